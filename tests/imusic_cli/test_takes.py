"""`imusic takes` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from face_model.errors import ImusicError
from face_recording.take_sheet import TakeSheet, read_sheet, write_sheet
from face_recording.takes.npz_file import read_npz
from imusic_cli.takes import app
from made_up_bags import tracked, write_bag

RUNNER = CliRunner()
NAME = "2026-11-28_15-00-00_ein_Lächeln"


@pytest.fixture
def takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my takes"
    monkeypatch.setenv("IMUSIC_TAKES", str(folder))
    monkeypatch.chdir(tmp_path)
    write_bag(folder / NAME, {"": tracked(200)}, sheet=TakeSheet(wearer="Jürgen", name="ein Lächeln"))
    return folder


def typed(*arguments: str, status: int = 0, answer: str = "") -> str:
    """What is printed, on both streams."""
    result = RUNNER.invoke(app, list(arguments), input=answer, env={"COLUMNS": "200"})
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.output


def refused(*arguments: str, answer: str = "") -> str:
    with pytest.raises(ImusicError) as found:
        typed(*arguments, answer=answer)
    return str(found.value)


def test_list_and_show(takes: Path) -> None:
    assert NAME in typed("list")
    told = json.loads(typed("list", "--json"))
    assert (told[0]["wearers"], told[0]["faces"], told[0]["state"]) == (["Jürgen"], 200, "whole")
    shown = json.loads(typed("show", "last", "--json"))
    assert shown["topics"]["/face/blendshapes"] == {"type": "imusic/msg/FaceBlendshapes", "count": 200}
    assert "face/blendshapes" in typed("show", "Lächeln")
    assert "found none" in refused("list", "nowhere")


def test_an_empty_folder_of_takes_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMUSIC_TAKES", str(tmp_path / "none"))
    assert "imusic record" in typed("list")
    assert json.loads(typed("list", "--json")) == []
    assert "imusic takes list" in refused("show", "last")


def test_what_is_shown_is_words(takes: Path) -> None:
    other = {"state": "finished", "lost": {}, "parameters": {"driver": {"port": "p", "ids": []}}, "snapshots": {}}
    write_sheet(takes / NAME, TakeSheet(imusic="0.2.0", other=other))
    told = typed("show", "last")
    assert "{" not in told
    cells = [line.split("│")[1].strip() for line in told.splitlines() if line.count("│") == 3]
    assert len([cell for cell in cells if cell]) == len({cell for cell in cells if cell})
    assert {"file", "recording", "recorded with imusic", "lost", "samples without a face"} <= set(cells)


def test_naming(takes: Path) -> None:
    typed("name", "last", "--notes", "[bold]lose[/bold]", "--wearer", "")
    assert read_sheet(takes / NAME) == TakeSheet(name="ein Lächeln", notes="[bold]lose[/bold]")
    assert "--wearer" in refused("name", "last")
    assert "20000" in refused("name", "last", "--notes", "x" * 1_000_000)


def test_trim_check_export_remove(takes: Path, tmp_path: Path) -> None:
    typed("trim", "last", "--start", "0.5", "--end", "1.5", "-o", "./part ä")
    assert "Good" in typed("check", "./part ä")
    typed("export", "./part ä", "-o", "out.npz")
    assert (read_npz(tmp_path / "out.npz").weights == tracked(200).weights[50:150]).all()
    assert "--force" in refused("export", "./part ä", "-o", "out.npz")
    typed("export", "./part ä", "-o", "out.npz", "--force", "--fps", "50")
    assert len(read_npz(tmp_path / "out.npz")) == 50
    typed("export", "last", "--to", "csv")
    assert (tmp_path / f"{NAME}.csv").is_file()
    assert "stays" in refused("remove", "./part ä", answer="n\n")
    typed("remove", "./part ä", "--yes")
    assert not (tmp_path / "part ä").exists()


def test_a_cut_has_a_name_of_its_own_among_the_takes(takes: Path) -> None:
    def folder_of(take: str) -> str:
        return str(Path(json.loads(typed("show", take, "--json"))["folder"]).name)

    typed("name", "last", "--name", "smiles")
    typed("trim", "smiles", "--start", "0.5", "--end", "1.5")
    typed("trim", "smiles", "--start", "0.5", "--end", "1", "-o", "smile_only")
    assert folder_of("last") == "smile_only"
    assert folder_of("smiles") == NAME
    assert folder_of("ein_Lächeln") == NAME
    assert folder_of("smiles 0.5-1.5") == f"{NAME}_0.5-1.5"
    assert folder_of("smiles 0.5-1") == "smile_only"
    assert "found 2" in refused("show", "Läch")


def test_a_bad_take_has_status_1(takes: Path) -> None:
    write_bag(takes / "2026-11-29_bad", {"": tracked(50, calibrating=50)})
    assert "neutral" in typed("check", "last", status=1)
    assert json.loads(typed("check", "last", "--json", status=1))["usable"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "last"), "--to"),
        (("export", "last", "--to", "bvh"), "livelink-csv"),
        (("export", "last", "-o", "none/x.npz"), "make it first"),
        (("export", "last", "-o", "x.npz", "--fps", "fast"), "recorded"),
        (("export", "last", "-o", "x.npz", "--fps", "-1"), "recorded"),
        (("export", "last", "-o", "x.npz", "--start", "9"), "within it"),
        (("export", "last", "-o", "x.npz", "--namespace", "bob"), "/bob"),
        (("export", "last", "-o", "x.glb", "--rig", "no_rig.glb"), "no_rig.glb"),
        (("export", "nothing", "--to", "npz"), "imusic takes list"),
        (("trim", "last", "--start", "5", "--end", "3"), "start 5 and end 3;"),
        (("trim", "last", "--start", "0.5", "-o", "none/part"), "make it first"),
        (("trim", "last", "--start", "0.5", "-o", ""), "-o"),
        (("dataset", "last", "-o", "set"), "--truth"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    takes: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    told = refused(*arguments)
    assert said in told
    assert "\n" not in told
    assert {path.name for path in tmp_path.iterdir()} == {"my takes"}


def test_an_export_tells_programs_how_far_it_is_and_what_came_of_it(takes: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["export", "last", "-o", str(tmp_path / "x.gif"), "--json", "--width", "320"])
    assert told.exit_code == 0, told.output
    *progress, result = [json.loads(line) for line in told.stdout.splitlines()]
    assert progress
    assert progress[-1]["done"] == progress[-1]["of"] == result["faces"]
    assert result["path"] == str(tmp_path / "x.gif")
    assert result["bytes"] == (tmp_path / "x.gif").stat().st_size
