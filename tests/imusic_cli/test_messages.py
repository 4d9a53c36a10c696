"""What people type and what errors say is printed as it is: brackets are no markup, and no error is a traceback."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from face_model.share import share_dir
from imusic_cli import main, rig
from imusic_cli.errors import CommandError
from imusic_cli.verbs import command_of

BRACKETS = ("[/]", "[bold]", "[/red]", "[red]x[/]", "[link=x]")
ROOMS = (Path(main.__file__).resolve().parents[1], Path(main.__file__).resolve().parents[2] / "lab")


def ended_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> int:
    def app(**_: object) -> None:
        raise error

    monkeypatch.setattr(main, "app", app)
    return main.main()


@pytest.mark.parametrize("text", BRACKETS)
def test_an_error_is_said_as_it_is(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_with(monkeypatch, CommandError(f"expected a file, found {text}; name one")) == 1
    assert capsys.readouterr().err == f"imusic: expected a file, found {text}; name one\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "imusic: expected room to write, found: No space left on device",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "no[/]dir/x"),
            "use no[/]dir/x, found: No such file",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            "imusic: expected to be able to use /x, found: Permission",
        ),
    ],
)
def test_a_disk_that_does_not_do_is_one_line(
    error: OSError, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_with(monkeypatch, error) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_an_error_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="17"):
        ended_with(monkeypatch, OSError(errno.EBADF, "descriptor 17"))


@pytest.mark.parametrize("text", BRACKETS)
@pytest.mark.parametrize("arguments", [("export", "{}/nodir/x.glb"), ("sheet", "--out", "{}/nodir/x.png")])
def test_an_output_is_tried_before_the_work(
    text: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig, "_rig", lambda *_: pytest.fail("worked before it looked"))
    place = tmp_path / text.replace("/", "|")
    with pytest.raises(Exception, match=r"expected the folder .*nodir to write x.* into, found none") as refused:
        command_of("rig").main([part.format(place) for part in arguments], standalone_mode=False)
    assert str(place) in str(refused.value)


@pytest.mark.parametrize("text", ["[/]", "[bold]", "[red]x[|]"])
def test_names_with_brackets_are_shown(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / f"{text.replace('/', '|')}.npz"
    out.write_bytes((share_dir() / "config" / "graph.yaml").read_bytes())
    with pytest.raises(Exception) as refused:  # noqa: PT011 - the loader's own error, with the path in it
        command_of("rig").main(["check", str(out)], standalone_mode=False)
    assert str(out) in str(refused.value)


def test_no_console_takes_text_for_markup() -> None:
    """One that does would need every message escaped, and one would be forgotten."""
    careless = [
        f"{file}: {call}"
        for room in ROOMS
        for file in room.rglob("*.py")
        for call in re.findall(r"\b(?:Console|TextColumn)\([^()]*\)", file.read_text())
        if "markup=False" not in call
    ]
    assert careless == []
