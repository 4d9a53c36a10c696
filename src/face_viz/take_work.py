"""What viewers do with the takes of this machine: check one, export one, replay one beside the capture.

The verbs of the command line do the work, each in a process of its own: the viewer imports nothing of recordings, draws
on meanwhile, and what is read of a damaged take can harm that process alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from face_viz.errors import VizError
from face_viz.job import Ended, Job
from face_viz.page_commands import Command
from face_viz.recent_takes import take_named, takes_folder

END_S: Final = 0.3
"""What runs has this long to end by itself when the viewer ends, which has a second and a half itself. The nodes of a
replay that is killed end by themselves, as they have lost their parent."""
FOLDER: Final = "imusic_exports_"
"""How folders for exported files begin; each is locked by the viewer that it belongs to."""
MOST_FINDINGS: Final = 60
MOST_TEXT: Final = 500
MOST_LINES: Final = 2000
"""Lines of a verdict that are kept."""
ADDRESS: Final = re.compile(r"https?://[^\s\u2502]+")
BUSY: Final = "A take is being checked or exported already: wait for it, or cancel it"
REPLAYING: Final = "A replay runs already: end it first"

Tell = Callable[[str, Mapping[str, Any] | None], None]
Announce = Callable[[str, bool], None]
Offer = Callable[[Path | None, str], str]


class TakeWork:
    """Checks and exports, one at a time, and one replay beside them.

    Args:
        program: command line of `imusic`.
        namespace: of the viewer; a replay runs in `replay` below it.
        tell: tells every viewer what has become of the note `work` or `replayed`; called from any thread.
        announce: tells every viewer a line and whether it is good news; called from any thread.
        offer: takes a file that viewers may fetch, and its name, and returns the address below the page's; what was
            offered before is offered no more. None for no file.
        folder: of the takes; by default where recordings are kept.
    """

    def __init__(
        self,
        program: Sequence[str],
        namespace: str,
        tell: Tell,
        announce: Announce,
        offer: Offer,
        folder: Callable[[], Path] = takes_folder,
    ) -> None:
        self._program, self._tell, self._announce, self._offer = list(program), tell, announce, offer
        self._place = f"{namespace.strip('/')}/replay".lstrip("/")
        self._takes = folder
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._replay: Job | None = None
        self._exports: tuple[Path, int] | None = None

    def handle(self, command: Command) -> None:
        """Do what a viewer asked for; returns at once. Called in the page's thread."""
        try:
            if command.name == "check_take":
                self._check(take_named(self._takes(), command.folder), command.whose)
            elif command.name == "export_take":
                self._export(take_named(self._takes(), command.folder), command)
            elif command.name == "replay_take":
                self._begin_replay(take_named(self._takes(), command.folder), command.whose)
            elif command.name == "cancel_take":
                self._cancel(self._job, "Nothing is being checked or exported")
            elif command.name == "end_replay":
                self._cancel(self._replay, "No replay runs that was begun here")
        except VizError as error:
            self._announce(str(error), False)

    def close(self) -> None:
        """End what runs, and delete what was exported."""
        jobs = [job for job in (self._job, self._replay) if job is not None]
        for job in jobs:
            job.cancel()
        until_s = time.monotonic() + END_S
        for job in jobs:
            job.end(max(until_s - time.monotonic(), 0.0))
        self._offer(None, "")
        if self._exports is not None:
            folder, descriptor = self._exports
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
            self._exports = None

    # Check and export.

    def _check(self, take: Path, whose: str) -> None:
        lines: list[str] = []

        def on_line(line: str, error: bool) -> None:
            if not error and len(lines) < MOST_LINES:
                lines.append(line)

        def on_end(ended: Ended) -> None:
            told = _object("".join(lines))
            findings = told.get("findings")
            if ended.cancelled or not isinstance(findings, list):
                self._tell_end(note, ended)
                return
            found = [
                {key: str(finding.get(key, ""))[:MOST_TEXT] for key in ("about", "grade", "text")}
                for finding in findings[:MOST_FINDINGS]
                if isinstance(finding, dict)
            ]
            verdict = str(told.get("verdict", ""))[:MOST_TEXT]
            usable = bool(told.get("usable"))
            self._finish({**note, "state": "done", "text": verdict, "findings": found, "usable": usable})

        note = _note("check", take)
        self._start(["takes", "check", str(take), "--json", *_of(whose)], note, on_line, on_end)

    def _export(self, take: Path, command: Command) -> None:
        if not command.format:
            raise VizError("expected a format to export to, found none; choose one")
        with self._lock:
            if self._job is not None:
                raise VizError(BUSY)
        self._offer(None, "")
        path = self._exports_folder() / f"take.{command.format}"
        for old in path.parent.iterdir():
            old.unlink()
        result: dict[str, Any] = {}
        name = f"{take.name}.{command.format}"

        def on_line(line: str, error: bool) -> None:
            told = {} if error else _object(line)
            done, of = told.get("done"), told.get("of")
            if "path" in told:
                result.update(told)
            elif isinstance(done, int) and isinstance(of, int) and of > 0:
                self._tell("work", {**note, "share": round(min(done / of, 1.0), 3)})

        def on_end(ended: Ended) -> None:
            if ended.status != 0 or not result or not path.is_file():
                self._tell_end(note, ended)
                return
            notes = [str(line) for line in result.get("notes", ())]
            text = ". ".join([f"{result.get('faces', 0)} faces", *notes])[:MOST_TEXT]
            file = {"url": self._offer(path, name), "name": name, "megabytes": round(path.stat().st_size / 1e6, 1)}
            self._finish({**note, "state": "done", "text": text, "file": file})

        note = {**_note("export", take), "format": command.format}
        arguments = ["--to", command.format, "-o", str(path), "--force", "--json", *_of(command.whose)]
        self._start(["takes", "export", str(take), *arguments], note, on_line, on_end)

    def _start(
        self,
        arguments: list[str],
        note: dict[str, Any],
        on_line: Callable[[str, bool], None],
        on_end: Callable[[Ended], None],
    ) -> None:
        with self._lock:
            if self._job is not None:
                raise VizError(BUSY)
            self._tell("work", note)
            self._job = Job([*self._program, *arguments], on_line, on_end)

    def _finish(self, note: Mapping[str, Any]) -> None:
        """The job has ended: from now on there is room for another."""
        with self._lock:
            self._job = None
            self._tell("work", note)

    def _tell_end(self, note: dict[str, Any], ended: Ended) -> None:
        if ended.cancelled:
            self._finish({**note, "state": "cancelled", "text": "cancelled"})
        else:
            self._finish({**note, "state": "failed", "text": _reason(ended)})

    @staticmethod
    def _cancel(job: Job | None, absent: str) -> None:
        if job is None:
            raise VizError(absent)
        job.cancel()

    def _exports_folder(self) -> Path:
        """Made when it is first needed, readable by its owner only; those of viewers that were killed are deleted."""
        if self._exports is None:
            place = Path(tempfile.gettempdir())
            for old in place.glob(f"{FOLDER}*"):
                _remove_unlocked(old)
            try:
                folder = Path(tempfile.mkdtemp(prefix=FOLDER))
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise VizError(f"expected room for exports in {place}, found: {error.strerror}; make some") from error
            self._exports = folder, descriptor
        return self._exports[0]

    # The replay.

    def _begin_replay(self, take: Path, whose: str) -> None:
        note: dict[str, Any] = {
            "take": take.name,
            "place": f"/{self._place}",
            "state": "starting",
            "url": "",
            "text": "",
        }

        def on_line(line: str, _error: bool) -> None:
            address = ADDRESS.search(line)
            if address is not None and not note["url"] and "browser" in line:
                note.update(state="running", url=address[0])
                self._tell("replayed", dict(note))

        def on_end(ended: Ended) -> None:
            good = ended.cancelled or ended.status == 0
            with self._lock:
                self._replay = None
                if good:
                    self._tell("replayed", None)
                else:
                    self._tell("replayed", {**note, "state": "failed", "url": "", "text": _reason(ended)})

        with self._lock:
            if self._replay is not None:
                raise VizError(REPLAYING)
            self._tell("replayed", dict(note))
            arguments = ["replay", str(take), "--into", self._place, *_of(whose)]
            self._replay = Job([*self._program, *arguments], on_line, on_end)


def _note(kind: str, take: Path) -> dict[str, Any]:
    return {"kind": kind, "take": take.name, "state": "running", "share": None, "text": ""}


def _of(whose: str) -> list[str]:
    return ["--namespace", whose] if whose else []


def _object(text: str) -> dict[str, Any]:
    """The JSON object in a text; empty where there is none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


_SAID = re.compile(r"imusic( [a-z]+)*: ")
"""How the command line begins what it has to say; of how it was called, with the verb."""


def _reason(ended: Ended) -> str:
    """Why a program failed, in its own words."""
    lines = [_SAID.sub("", line).strip() for line in ended.said if _SAID.match(line)]
    lines = lines[-1:] or [line.strip("\u2502\u256d\u2570\u256e\u256f\u2500 ") for line in ended.said[-3:]]
    text = " ".join(line for line in lines if line)
    return text[-MOST_TEXT:] or f"it ended with exit status {ended.status} and said nothing"


def _remove_unlocked(folder: Path) -> None:
    """Delete a folder of ours that no running viewer has."""
    with suppress(OSError):  # another's, or locked, or gone since
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_uid != os.geteuid():
                return
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
