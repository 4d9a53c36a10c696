"""What viewers do with takes, with a small program in the place of `imusic`."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from face_recording.takes.exporting import FORMATS as EXPORTED
from face_recording.takes.exporting import format_of
from face_viz import take_work
from face_viz.page_commands import FORMATS, Command
from face_viz.take_work import BUSY, REPLAYING, TakeWork
from made_up_bags import tracked, write_bag

LONG_S = 120.0
TAKE = "2026-01-02_12-00-00_smile"
PROGRAM = """
import json, pathlib, sys, time
verb, rest = sys.argv[1:3], sys.argv[1:]
(pathlib.Path(__file__).parent / "asked.json").write_text(json.dumps(rest))
mode = (pathlib.Path(__file__).parent / "mode").read_text()
if mode == "hang":
    print(json.dumps({"done": 1, "of": 4}), flush=True)
    time.sleep(1000)
elif mode == "fail":
    print("reading", file=sys.stderr)
    print("imusic: expected ffmpeg, found none; install it", file=sys.stderr)
    sys.exit(1)
elif verb == ["takes", "check"]:
    findings = [{"about": "loss", "grade": "bad", "text": "9 lost <b>"}]
    print(json.dumps({"usable": False, "verdict": "Not as it should be: loss.", "findings": findings}, indent=2))
    sys.exit(1)
elif verb == ["takes", "export"]:
    path = pathlib.Path(rest[rest.index("-o") + 1])
    path.write_bytes(b"x" * 1_500_000)
    print(json.dumps({"done": 4, "of": 4}))
    print(json.dumps({"path": str(path), "faces": 17, "bytes": 4, "notes": ["a note"]}))
else:
    print("| Open http://127.0.0.1:8123 in a browser. Ctrl-C ends everything. |", file=sys.stderr, flush=True)
    time.sleep(1000)
"""


class Stand:
    """The work, what it told, and the program it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.takes = folder, folder / "takes"
        (self.takes / TAKE).mkdir(parents=True)
        (self.takes / TAKE / "take.yaml").write_text("name: smile")
        (folder / "imusic.py").write_text(PROGRAM)
        self.mode("work")
        self.told: list[tuple[str, Any]] = []
        self.said: list[str] = []
        self.offered: list[tuple[Path | None, str]] = []
        self._news = threading.Condition()
        program = [sys.executable, str(folder / "imusic.py")]
        self.work = TakeWork(program, "/alice", self._tell, self._announce, self._offer, lambda: self.takes)

    def mode(self, mode: str) -> None:
        (self.folder / "mode").write_text(mode)

    def asked(self) -> list[str]:
        asked: list[str] = json.loads((self.folder / "asked.json").read_text())
        return asked

    def _tell(self, name: str, value: Any) -> None:
        with self._news:
            self.told.append((name, None if value is None else dict(value)))
            self._news.notify_all()

    def _announce(self, text: str, ok: bool) -> None:
        assert not ok
        self.said.append(text)

    def _offer(self, path: Path | None, name: str) -> str:
        self.offered.append((path, name))
        return "exports/token" if path else ""

    def wait(self, done: Callable[[str, Any], bool]) -> Any:
        def found() -> Any:
            return next(((value,) for name, value in self.told if done(name, value)), None)

        with self._news:
            assert self._news.wait_for(found, LONG_S), self.told
            return found()[0]


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    stand = Stand(tmp_path)
    yield stand
    stand.work.close()
    assert list((tmp_path / "temporary").iterdir()) == [], "nothing is left on the disk"


def state(wanted: str) -> Callable[[str, Any], bool]:
    return lambda name, value: name == "work" and value["state"] == wanted


def test_a_check_tells_the_verdict_and_all_findings_though_its_exit_status_is_1(stand: Stand) -> None:
    stand.work.handle(Command("check_take", folder=TAKE, whose="/bob"))
    told = stand.wait(state("done"))
    assert (told["usable"], told["text"]) == (False, "Not as it should be: loss.")
    assert told["findings"] == [{"about": "loss", "grade": "bad", "text": "9 lost <b>"}]
    assert stand.asked() == ["takes", "check", str(stand.takes / TAKE), "--json", "--namespace", "/bob"]


def test_an_export_is_offered_until_the_next_and_its_notes_are_told(stand: Stand) -> None:
    stand.work.handle(Command("export_take", folder=TAKE, format="glb"))
    told = stand.wait(state("done"))
    assert told["text"] == "17 faces. a note"
    assert told["file"] == {"url": "exports/token", "name": f"{TAKE}.glb", "megabytes": 1.5}
    path, name = stand.offered[-1]
    assert path is not None
    assert path.is_file()
    assert name == f"{TAKE}.glb"
    assert path.parent.stat().st_mode & 0o077 == 0, "only its owner can read it"
    stand.told.clear()
    stand.mode("fail")
    stand.work.handle(Command("export_take", folder=TAKE, format="mp4"))
    assert stand.wait(state("failed"))["text"] == "expected ffmpeg, found none; install it"
    assert not path.exists()
    assert stand.offered[-1][0] is None


def test_one_at_a_time_with_progress_and_cancel(stand: Stand) -> None:
    stand.mode("hang")
    stand.work.handle(Command("cancel_take"))
    assert "Nothing is being checked" in stand.said[-1]
    stand.work.handle(Command("export_take", folder=TAKE, format="gif"))
    stand.wait(lambda name, value: name == "work" and value["share"] == 0.25)
    for other in (Command("export_take", folder=TAKE, format="csv"), Command("check_take", folder=TAKE)):
        stand.work.handle(other)
        assert stand.said[-1] == BUSY
    stand.work.handle(Command("cancel_take"))
    stand.wait(state("cancelled"))
    stand.told.clear()
    stand.mode("work")
    stand.work.handle(Command("check_take", folder=TAKE))
    stand.wait(state("done"))


def test_a_replay_runs_beside_in_a_namespace_of_its_own_and_its_page_is_told(stand: Stand) -> None:
    stand.work.handle(Command("end_replay"))
    assert "No replay runs" in stand.said[-1]
    stand.work.handle(Command("replay_take", folder=TAKE))
    told = stand.wait(lambda name, value: name == "replayed" and value["state"] == "running")
    assert (told["url"], told["place"], told["take"]) == ("http://127.0.0.1:8123", "/alice/replay", TAKE)
    assert stand.asked() == ["replay", str(stand.takes / TAKE), "--into", "alice/replay"]
    stand.work.handle(Command("replay_take", folder=TAKE))
    assert stand.said[-1] == REPLAYING
    stand.work.handle(Command("check_take", folder=TAKE))
    stand.wait(state("done"))
    stand.work.handle(Command("end_replay"))
    stand.wait(lambda name, value: name == "replayed" and value is None)
    stand.mode("fail")
    stand.work.handle(Command("replay_take", folder=TAKE))
    failed = stand.wait(lambda name, value: name == "replayed" and value is not None and value["state"] == "failed")
    assert "expected ffmpeg" in failed["text"]


def test_all_ends_with_the_viewer(stand: Stand) -> None:
    stand.mode("hang")
    stand.work.handle(Command("replay_take", folder=TAKE))
    stand.work.handle(Command("check_take", folder=TAKE))
    jobs = stand.work._job, stand.work._replay
    stand.work.close()
    assert not any(job._thread.is_alive() for job in jobs if job is not None)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "other", "../takes/" + TAKE, f"{TAKE}/", f"/{TAKE}", "link", "file", "smile", "last", "-x"]
)
def test_only_a_take_in_the_folder_can_be_named(stand: Stand, name: str) -> None:
    outside = stand.folder / "outside"
    outside.mkdir()
    (outside / "take.yaml").write_text("")
    (stand.takes / "other").mkdir()  # no take
    (stand.takes / "link").symlink_to(outside)
    (stand.takes / "file").write_text("")
    for command in ("check_take", "export_take", "replay_take"):
        stand.work.handle(Command(command, folder=name, format="csv"))
        assert "found none" in stand.said[-1]
    assert not (stand.folder / "asked.json").exists()


def test_exports_of_viewers_that_were_killed_are_deleted_and_those_of_others_stay(stand: Stand) -> None:
    place = stand.folder / "temporary"
    for name in ("dead", "alive"):
        (place / f"{take_work.FOLDER}{name}").mkdir()
        (place / f"{take_work.FOLDER}{name}" / "take.glb").write_text("")
    held = os.open(place / f"{take_work.FOLDER}alive", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    stand.work.handle(Command("export_take", folder=TAKE, format="npz"))
    stand.wait(state("done"))
    left = sorted(path.name for path in place.iterdir())
    assert f"{take_work.FOLDER}dead" not in left
    assert len(left) == 2
    os.close(held)
    take_work._remove_unlocked(place / f"{take_work.FOLDER}alive")


def test_the_command_line_understands_what_it_is_asked(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    write_bag(stand.takes / "real", {"": tracked(80)})
    stand.work._program = [sys.executable, "-m", "imusic_cli"]
    stand.work.handle(Command("check_take", folder="real"))
    told = stand.wait(state("done"))
    assert {finding["about"] for finding in told["findings"]} >= {"file", "content", "states"}
    stand.told.clear()
    stand.work.handle(Command("export_take", folder="real", format="gif", whose="/"))
    told = stand.wait(state("done"))
    path = stand.offered[-1][0]
    assert path is not None
    assert path.read_bytes()[:3] == b"GIF"
    assert any(name == "work" and value["share"] == 1.0 for name, value in stand.told)
    stand.told.clear()
    for name in ("check_take", "export_take", "replay_take"):
        stand.work.handle(Command(name, folder="real", format="csv", whose="/nobody"))
        failed = stand.wait(lambda _, value: value is not None and value["state"] == "failed")
        assert "nobody" in failed["text"]
        assert failed["text"].startswith("expected")
        stand.told.clear()


def test_the_page_offers_what_the_command_line_can_write() -> None:
    # A robot's joints and a model's coefficients need a file to be named, which the page cannot.
    assert {format_of(name, None) for name in FORMATS} == set(EXPORTED) - {"joints", "flame"}
