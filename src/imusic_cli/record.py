"""`imusic record`: keep what a running graph publishes, in a folder that replays."""

from __future__ import annotations

import math
import os
import re
import shlex
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from imusic_cli.errors import CommandError
from imusic_cli.namespace import parsed_namespace

if TYPE_CHECKING:
    from imusic.msg import RecordingStatus

    from imusic_cli.recorder_client import RecorderClient
    from imusic_ros.graph import Process

err = Console(stderr=True, markup=False, highlight=False)

_DIGITS = re.compile(r"[0-9]+")
MB = 1 << 20
FOUND_S = 4.0
"""Nodes of this machine find each other within half a second, on one with much to do in a few."""
STARTED_S = 30.0
"""A recorder of our own is ready within this, on a slow machine too."""
PUBLISHED_S = 4.0
"""What is published is known within this."""
RESUMED_S = 15.0
"""A recorder that was killed records on within this, where the graph starts it again."""
SILENT_S = 15.0
"""A recorder tells of itself every second; after this long without a word it has ended, or hangs."""

ENDED_EARLY = (
    'expected to record until Ctrl-C after "Recording to ...", found it before that: nothing was recorded; start again'
)


def record(
    namespace: Annotated[
        list[str] | None,
        typer.Option(
            help="ROS namespace of the wearer; several times for several wearers in one recording.",
            parser=parsed_namespace,
            metavar="NAME",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the take: part of the folder's name.")] = "",
    wearer: Annotated[str, typer.Option(help="Who wears the sensors; by default as the graph says.")] = "",
    notes: Annotated[str, typer.Option(help="Free text that is kept with the take.")] = "",
    duration: Annotated[float, typer.Option(help="End after so many seconds; 0: at Ctrl-C.", min=0.0)] = 0.0,
    output: Annotated[
        Path | None, typer.Option(help="Folder for takes; by default $IMUSIC_TAKES, else ~/imusic_takes.")
    ] = None,
) -> None:
    """Record a running graph until Ctrl-C: all that a replay needs, in a folder that `ros2 bag` reads too."""
    places = list(dict.fromkeys(f"/{place.strip('/')}" for place in namespace or [""]))
    home = places[0] if len(places) == 1 else "/"
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: stop.set())
    # After the handlers: Ctrl-C while these are loaded ends it with a line, too.
    from imusic_cli.recorder_client import RecorderClient
    from imusic_cli.supervisor import Supervisor

    with ExitStack() as stack:
        client = stack.enter_context(RecorderClient(home))
        client.wait_for_faces(places, PUBLISHED_S, stop.is_set)
        _need_time(stop)
        there = client.find("recorder", FOUND_S, stop.is_set)
        supervisor = None
        if not there or len(places) > 1 or output is not None:
            process = _own_recorder(places, output)
            supervisor = stack.enter_context(Supervisor((process,), home.strip("/"), _print_trouble))
            if not client.find(process.name, STARTED_S, lambda: bool(supervisor.ended()) or stop.is_set()):
                _need_time(stop)
                raise CommandError("expected the recorder to start, found none; its reason is printed above")
        folder = client.start(name, wearer, notes, PUBLISHED_S, stop.is_set)
        if not folder:
            raise CommandError(ENDED_EARLY)
        end = f"ends after {duration:g} s, or at Ctrl-C" if duration else "Ctrl-C ends it"
        err.print(f"Recording to {folder}; {end}.", style="green", soft_wrap=True)
        last = _follow(client, stop, duration, folder, lambda: supervisor is not None and bool(supervisor.ended()))
        problem = client.stop()
    missing = "" if stop.is_set() else _too_short(client.status, duration - last.before_s, last.folder)
    _say_the_end(client, last.folder, problem or missing)


def _need_time(stop: threading.Event) -> None:
    if stop.is_set():
        raise CommandError(ENDED_EARLY)


def _own_recorder(places: list[str], output: Path | None) -> Process:
    from face_model.share import share_dir
    from imusic_ros.graph import Process

    overrides: dict[str, object] = {"namespaces": places, "record": False}
    if output is not None:
        overrides["takes"] = str(output.expanduser().absolute())
    # A name of its own: the graph's recorder may be there after all, and be found late.
    return Process(f"recorder_{os.getpid()}", "recorder", share_dir() / "config" / "recorder.yaml", True, overrides)


class _Followed(NamedTuple):
    """The last take of a recording, and how long those before it were that it continues, s."""

    folder: str
    before_s: float


def _follow(
    client: RecorderClient, stop: threading.Event, duration: float, folder: str, ended: Callable[[], bool]
) -> _Followed:
    """Tell how it goes until it ends; what of it is where: there are several takes where a recorder was killed."""
    told, before_s = "", 0.0
    with Live(console=err, transient=True, auto_refresh=False) as live:
        while not stop.is_set():
            status = client.wait(0.2)
            if status is None or status.state == status.STATE_RECORDING:
                if ended() or client.gone:
                    before_s += 0.0 if client.status is None else client.status.duration
                    folder = _resumed("" if ended() else client.wait_for_successor(RESUMED_S, stop.is_set), folder)
                    continue
                if client.silent_s > SILENT_S:
                    raise CommandError(
                        f"expected the recorder to tell of itself, found {SILENT_S:g} s of silence; {_left(folder)}"
                    )
            if status is None:
                continue
            live.update(Text(progress_line(status), no_wrap=True, overflow="ellipsis"), refresh=True)
            kind = _DIGITS.sub("", status.message)  # the same again, with other figures, is no news
            if kind and kind != told:
                err.print(status.message, style="yellow", soft_wrap=True)
            told = kind
            if status.state != status.STATE_RECORDING or (duration and before_s + status.duration >= duration):
                break
    return _Followed(folder, before_s)


def _resumed(successor: str, folder: str) -> str:
    """Tell that a recording goes on in another folder; raises `CommandError` where there is none."""
    if not successor:
        raise CommandError(f"expected the recorder to go on, found that its process ended; {_left(folder)}")
    err.print(
        f"The recorder was killed, and records on to {successor}; what it wrote before is in {folder}.",
        style="yellow",
        soft_wrap=True,
    )
    return successor


def _too_short(status: RecordingStatus | None, duration: float, folder: str) -> str:
    """What to say of a recording that others ended before its time: its graph, the page, a call of `recorder/stop`."""
    if status is None or status.duration >= duration:
        return ""
    return (
        f"expected a recording of {duration:g} s, found that it was ended from elsewhere, or its graph ended, after "
        f"{status.duration:.1f} s; what there is of it is whole, in {folder}: record again if it is too short"
    )


def _left(folder: str) -> str:
    place = shlex.quote(folder)
    return (
        f"the recording has ended, all but its last half second is in {folder}; make it whole with `imusic takes check "
        f"{place} --mend`, and start `imusic record` again"
    )


def progress_line(status: RecordingStatus) -> str:
    """What is told while it goes on."""
    minutes, seconds = divmod(int(status.duration), 60)
    left = f"   the disk lasts {_long(status.disk_time_left)}" if math.isfinite(status.disk_time_left) else ""
    size, rate = status.bytes / MB, status.faces_rate
    skipped = f"   {status.samples_without_face} without a face" if status.samples_without_face else ""
    return f"{minutes:d}:{seconds:02d}   {size:.1f} MB   {rate:.0f} faces/s   {status.lost} lost{skipped}{left}"


def _long(seconds: float) -> str:
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else "for days"


def _say_the_end(client: RecorderClient, folder: str, problem: str) -> None:
    status = client.status
    if status is not None:
        err.print(progress_line(status))
    if problem:
        raise CommandError(problem)
    err.print(f"Recorded {folder}", style="green", soft_wrap=True)
    err.print(f"Watch it: imusic replay {shlex.quote(folder)}", soft_wrap=True)
    err.print("All takes: imusic takes list", soft_wrap=True)


def _print_trouble(_name: str, line: str) -> None:
    if "[INFO]" not in line:
        err.print(line, soft_wrap=True)
