"""Verbs that run a graph until Ctrl-C: demo, capture, simulate."""

from __future__ import annotations

import importlib.util
import signal
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from face_inference.errors import InferenceError
from face_inference.model_folder import load_model
from face_inference.wearer.profile_folder import ProfileFolder
from face_inference.wearer_names import checked_wearers
from face_model.errors import FaceModelError
from face_model.faces import load_rig
from face_model.layout import load_layout
from face_model.share import expanded
from face_streams.address import parse_streams
from face_streams.errors import StreamsError
from face_streams.mapping import MAPPINGS
from imu_driver.udp_addresses import parse_address
from imusic_cli.errors import CommandError, UsageError
from imusic_cli.foreground import own_foreground_group
from imusic_cli.libraries import LIBRARIES
from imusic_cli.supervisor import Supervisor
from imusic_cli.verbs import load_module
from imusic_ros.graph import GraphError, Process, checked_namespace, gathered, load_graph, own_line
from imusic_ros.page_port import with_free_page

if TYPE_CHECKING:
    from imusic_cli.watch import GraphWatch

console = Console(stderr=True, markup=False)
MOST_DEMOS = 50
"""Each is a graph of four processes."""
MIXED = "two graphs in one namespace mix their faces; end one of them, or give it another --namespace"
MIXED_REPLAY = "a replay and another graph in one namespace mix their faces; end one of them, or replay --into another"


class Attendant(Protocol):
    """Somebody who listens and asks while a graph runs."""

    def attach(self, node: Any) -> None:
        """Begin, with a node that is spun meanwhile."""
        ...

    def poll(self) -> None:
        """Called several times a second."""
        ...

    def make_room(self) -> None:
        """A line is printed: end the one that was begun. Called from several threads."""
        ...

    def interrupted(self) -> int:
        """A signal ends the graph; the exit status."""
        ...

    def close(self) -> None:
        """The graph has ended."""
        ...


def run_graph(
    name: str,
    values: Mapping[str, object],
    namespace: str = "",
    *,
    leave_out: Collection[str] = (),
    ends_with: str = "",
    beside: Collection[str] = (),
    attendant: Attendant | None = None,
) -> int:
    """Start a graph and pass on what it prints until SIGINT or SIGTERM.

    Args:
        name: of the graph.
        values: of its arguments.
        namespace: of its nodes.
        leave_out: processes that are not started.
        ends_with: process whose end is that of the graph, with its exit status.
        beside: other nodes that must not run in this namespace already.
        attendant: see `Attendant`.

    Returns:
        0 after a signal, or what the attendant makes of it; 1 when an essential process ended by itself or its node
        could not be configured: all others are then ended too, and the reason stands in what was printed. A viewer that
        dies is started again, or missed, and so are driver and inference when they crash after they were up.

    Raises:
        CommandError: an argument, the model or the layout cannot be used, or a program is missing.
    """
    try:
        place = checked_namespace(namespace)
        graph = load_graph(name)
        processes, moved = with_free_page(graph.started_with(own_line(graph, values)), bool(values.get("page_port")))
    except GraphError as error:
        raise CommandError(str(error)) from error
    processes = tuple(process for process in processes if process.name not in leave_out)
    check_files(processes)
    check_libraries(processes)
    if moved:
        _say(moved, "yellow")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: stop.set())
    from imusic_cli.watch import DOUBLE_S, HUNG_S, GraphWatch

    nodes = [process.name for process in processes if process.is_node]
    viewers = {process.name for process in processes if not process.essential}

    def make_room() -> None:
        if attendant is not None:
            attendant.make_room()

    def on_line(name: str, line: str) -> None:
        make_room()
        _print(name, line)

    with (
        own_foreground_group(),
        GraphWatch(place, nodes) as watch,
        Supervisor(gathered(processes), _free_place(watch, graph.name, place, beside), on_line) as supervisor,
        ExitStack() as attended,
    ):
        if attendant is not None:
            attendant.attach(watch.node)
            attended.callback(attendant.close)
        shown, told = "", set[str]()
        began = set[str]()  # a node that was active once is its lifecycle manager's: what it refuses later ends nothing
        while not stop.is_set():
            watch.wait(0.2)
            if attendant is not None:
                attendant.poll()
            ended = supervisor.ended(began)
            if ends_with in ended and ends_with not in watch.refused:
                return ended[ends_with]
            trouble = [f"{process} ended (exit status {status})" for process, status in ended.items()]
            trouble += [
                f"{node} could not be configured" for node in watch.refused if node not in viewers and node not in began
            ]
            began |= watch.active
            if trouble:
                make_room()
                _say(f"{', '.join(trouble)}: ending the rest. The reason is printed above.", "red")
                return 1
            standing = [f"{node} could not be configured: the rest goes on without it" for node in watch.refused]
            standing += [
                f"{two} ran twice for {DOUBLE_S:.0f} s: {MIXED}" for two in watch.doubled() if two not in viewers
            ]
            standing += [
                f"{node} has said nothing for {HUNG_S:.0f} s: it hangs, or was halted; if it does not come back, end "
                "this and start again"
                for node in watch.hung()
                if node not in supervisor.dead()
            ]
            for line in [*supervisor.revive(began), *standing]:
                if line not in told:
                    make_room()
                    _say(line, "yellow")
            told = set(standing)
            if watch.page != shown:
                shown = watch.page
                make_room()
                console.print(
                    Panel(
                        Text.assemble("Open ", (shown, "bold"), " in a browser. Ctrl-C ends everything."), expand=False
                    )
                )
        status = attendant.interrupted() if attendant is not None else 0
        make_room()
        console.print("ending ...", highlight=False)
    return status


def _free_place(watch: GraphWatch, graph: str, place: str, beside: Collection[str] = ()) -> str:
    """The namespace to start in, where none of the graph's nodes runs yet; a demo takes another one if need be.

    Raises:
        CommandError: some run there: the faces of two graphs in one namespace would be mixed.
    """
    running = watch.already_running(beside)
    if not running:
        return place
    here = f"/{place.strip('/')}"
    if graph != "demo" or place:
        raise CommandError(
            f"expected none of this graph's nodes in the namespace {here}, found {', '.join(running)} running: "
            f"{MIXED_REPLAY if graph.startswith('replay') else MIXED}"
        )
    for number in range(2, MOST_DEMOS + 1):
        other = f"{graph}_{number}"
        watch.move(other)
        if not any(name.startswith(f"{other}/") for name in watch.heard):
            _say(f"{', '.join(running)} run in the namespace {here} already: this {graph} is in /{other}", "yellow")
            return other
    raise CommandError(f"expected fewer than {MOST_DEMOS} demos, found as many; end some")


def check_libraries(processes: Sequence[Process]) -> None:
    """Find out before anything starts whether the processes have the libraries that they import.

    Raises:
        CommandError: the first that is missing, and how to get it.
    """
    names = {process.name for process in processes}
    for library in LIBRARIES:
        if names.intersection(library.processes) and importlib.util.find_spec(library.module) is None:
            raise CommandError(f"this needs {library.module}, which is not installed; {library.advice}")


def check_files(processes: tuple[Process, ...]) -> None:
    """Find out before anything starts whether model, layout, face, motion and streams can be used.

    Raises:
        CommandError: with the loader's own words.
    """
    for process in processes:
        try:
            if "model" in process.overrides:
                load_model(str(process.overrides["model"]))
            if "wearers" in process.overrides:
                _check_wearers(process)
            if process.overrides.get("wearer"):
                ProfileFolder().load(str(process.overrides["wearer"]))
            if "layout" in process.overrides:
                load_layout(str(process.overrides["layout"]))
            if "face" in process.overrides:
                load_rig(str(process.overrides["face"]))
        except (InferenceError, FaceModelError) as error:
            raise CommandError(str(error)) from error
        if "streams" in process.overrides:
            _check_streams(process)
        if process.overrides.get("udp"):
            _check_udp(str(process.overrides["udp"]))
        if "motion" in process.overrides:
            _check_motion(str(process.overrides["motion"]))


def _check_udp(text: str) -> None:
    try:
        for part in text.split(","):  # several hubs of one face
            parse_address(part.strip())
    except ValueError as error:
        raise UsageError(
            "--udp: expected HOST:PORT to listen on, such as 0.0.0.0:5055, or :PORT for this machine only, "
            f"found {text!r}; correct it"
        ) from error


def _check_streams(process: Process) -> None:
    try:
        addresses = parse_streams(str(process.overrides["streams"]))
        for name in {address.mapping or str(process.setting("mapping")) for address in addresses}:
            MAPPINGS.load(name)
    except StreamsError as error:
        raise UsageError(f"stream: {error}") from error


def _check_wearers(process: Process) -> None:
    names = process.overrides["wearers"]
    assert isinstance(names, list)
    if not checked_wearers(names, str(process.overrides.get("wearer", ""))):
        raise UsageError("wearers: expected names such as alice,bob, found none; give at least one")


def _check_motion(motion: str) -> None:
    hub = load_module("imu_sim.hub.config")
    if not hub.is_built_in(motion) and not expanded(motion).is_file():
        raise UsageError(f"expected {hub.MOTIONS}, found no file {motion}; name one of these")


def _say(line: str, style: str = "") -> None:
    """One line, as it is: what stands in brackets is no markup."""
    console.print(Text(line, style), soft_wrap=True)


def _print(_name: str, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
