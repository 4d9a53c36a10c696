"""`imusic bench faults`: a running graph whose hub is unplugged, whose processes are killed, whose nodes are cycled.

Each is done many times over while the simulated wearer talks; measured is how long weights stay away after what was
taken came back, and whether the processes that lived through it hold more memory, files or threads in the end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from imusic.msg import FaceBlendshapes
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState

from imusic_bench.disturbances import DRIVER, HUB, INFERENCE
from imusic_bench.processes import Usage, look_at
from imusic_bench.running import new_namespace
from imusic_bench.soak import START_S, Listener
from imusic_cli.errors import CommandError
from imusic_ros.children import end_with_parent
from imusic_ros.graph import Process, load_graph

RECORDER: Final = "recorder"
VIEWER: Final = "face_viz"
LOST_S: Final = 0.5
"""A hub that is taken away stays away for so long."""
PATIENCE_S: Final = 90.0
"""For weights that shall come back; a machine with more to do takes its time."""
MORE_FILES: Final = 3
MORE_THREADS: Final = 3
MORE_KB_EACH: Final = 100
"""What a process may hold more after all repetitions, memory for each of them; what is kept once is no leak."""
_STATES: Final = 4
_FOLLOWS: Final = (FaceBlendshapes.STATE_TRACKING, FaceBlendshapes.STATE_DEGRADED)
_Back: TypeAlias = tuple[float, float]
"""Time to a face, and to one that follows the wearer, s."""
_CYCLE: Final = (
    Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_ACTIVATE,
)


@dataclass(frozen=True)
class Endured:
    """One kind of fault, done many times.

    Attributes:
        fault: what was done.
        times: how often.
        faces_p50_s: from the return of what was taken to a face of a sample taken after it. The hub has returned when
            its port is there; a killed process when it is started, so that its imports are in it; a node when it is
            active.
        weights_p50_s, weights_max_s: the same to a face that follows the wearer: the neutral is known.
        lived: processes that lived through it.
        more_kb: most resident memory that one of them holds more, kB.
        more_files: the same for file descriptors.
        more_threads: the same for threads.
        leaks: what grew by more than is allowed, in words; empty if nothing did.
    """

    fault: str
    times: int
    faces_p50_s: float
    weights_p50_s: float
    weights_max_s: float
    lived: str
    more_kb: int
    more_files: int
    more_threads: int
    leaks: str


class _Graph:
    """Processes that may be killed and started again one by one; use as a context manager."""

    def __init__(self, processes: Sequence[Process], namespace: str, folder: Path) -> None:
        self._processes = {process.name: process for process in processes}
        self._namespace, self._folder = namespace, folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> _Graph:
        for name in self._processes:
            self.start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children.values():
            child.send_signal(signal.SIGINT)
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(20.0)
            child.kill()
            child.wait()

    @property
    def hub(self) -> Path:
        """The hub's port: a link that leads nowhere while there is no hub."""
        return self._folder / "hub"

    @property
    def names(self) -> list[str]:
        """Of all processes."""
        return list(self._processes)

    def start(self, name: str) -> None:
        """Start it, or start it again."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                self._processes[name].command(self._namespace),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def kill(self, name: str) -> None:
        """As by a power failure of this process alone."""
        child = self._children[name]
        os.kill(child.pid, signal.SIGKILL)
        child.wait()

    def usage(self, but: str = "") -> dict[str, Usage]:
        """What each uses, but that one.

        Raises:
            CommandError: one has ended by itself.
        """
        for name, child in self._children.items():
            if child.poll() is not None:
                tail = (self._folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise CommandError(f"expected {name} to run, found that it ended with {child.returncode}:\n{tail}")
        return {name: look_at(child.pid) for name, child in self._children.items() if name != but}


def measure_faults(
    replugs: int, kills: int, cycles: int, say: Callable[[str], object] = lambda _: None
) -> list[Endured]:
    """Replug the hub, kill each process, cycle each node, so many times each.

    Raises:
        CommandError: weights do not come back, or a process ended that was not killed.
    """
    with _running() as (graph, listener):
        found = []
        if replugs:
            say(f"{replugs} replugs")
            found.append(
                _repeat(graph, listener, "replug", HUB, replugs, lambda: _restart(graph, listener, HUB, LOST_S))
            )
        for name in graph.names if kills else ():
            say(f"{kills} times kill -9 of {name}")
            again = lambda name=name: _restart(graph, listener, name, 0.0)  # noqa: E731
            found.append(_repeat(graph, listener, f"kill -9 {name}", name, kills, again))
        for name in (DRIVER, INFERENCE, VIEWER, RECORDER) if cycles else ():
            say(f"{cycles} lifecycles of {name}")
            cycle = lambda name=name: _cycle(listener, name)  # noqa: E731
            found.append(_repeat(graph, listener, f"lifecycle of {name}", "", cycles, cycle))
        return found


@contextmanager
def _running() -> Iterator[tuple[_Graph, Listener]]:
    namespace = new_namespace()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imusic_")))
        values = {"port": str(folder / "hub"), "page_port": "0"}
        wanted = (HUB, DRIVER, INFERENCE, VIEWER, RECORDER)
        processes = [process for process in load_graph("demo").started_with(values) if process.name in wanted]
        graph = stack.enter_context(_Graph(processes, namespace, folder))
        listener = Listener(namespace)
        stack.callback(listener.close)
        up = lambda: set(listener.heard.newest()) == {DRIVER, INFERENCE} and len(listener.heard.faces) > 100  # noqa: E731
        if not listener.spin(START_S, up):
            graph.usage()
            raise CommandError(f"expected faces within {START_S:g} s, found {len(listener.heard.faces)}")
        yield graph, listener


def _repeat(
    graph: _Graph, listener: Listener, fault: str, killed: str, times: int, once: Callable[[], _Back]
) -> Endured:
    once()  # what is kept at the first time is no leak
    before = graph.usage(but=killed)
    backs: list[_Back] = []
    for _ in range(times):
        backs.append(once())
        listener.heard.faces.clear()
        listener.heard.said.clear()
    after = graph.usage(but=killed)
    more_kb = {name: after[name].rss_kb - before[name].rss_kb for name in before}
    more_files = {name: after[name].files - before[name].files for name in before}
    more_threads = {name: after[name].threads - before[name].threads for name in before}
    leaks = [
        f"{name}: {more[name]} {what}"
        for what, more, most in (
            ("kB", more_kb, max(20_000, MORE_KB_EACH * times)),
            ("files", more_files, MORE_FILES),
            ("threads", more_threads, MORE_THREADS),
        )
        for name in before
        if more[name] > most
    ]
    return Endured(
        fault,
        times,
        float(np.median([faces_s for faces_s, _ in backs])),
        float(np.median([weights_s for _, weights_s in backs])),
        max(weights_s for _, weights_s in backs),
        ", ".join(before),
        max(more_kb.values()),
        max(more_files.values()),
        max(more_threads.values()),
        "; ".join(leaks),
    )


def _restart(graph: _Graph, listener: Listener, name: str, away_s: float) -> _Back:
    """Kill and start again."""
    graph.kill(name)
    listener.spin(away_s)
    graph.start(name)
    if name == HUB and not listener.spin(PATIENCE_S, graph.hub.exists):
        raise CommandError(f"expected the hub's port {graph.hub} within {PATIENCE_S:g} s, found none")
    back = _faces_again(listener, name)
    if name != HUB:
        _wait_until_active(listener, name)
    return back


def _cycle(listener: Listener, name: str) -> _Back:
    """Deactivate, clean up, configure, activate."""
    for transition in _CYCLE:
        request = ChangeState.Request(transition=Transition(id=transition))
        answer = listener.ask(ChangeState, f"{name}/change_state", request)
        if answer is None or not answer.success:
            raise CommandError(f"expected {name} to do transition {transition}, found {answer}")
    return _faces_again(listener, name)


def _wait_until_active(listener: Listener, name: str) -> None:
    """Until a node that was killed is whole again; what was before it may still seem to offer its services."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        answer = listener.ask(GetState, f"{name}/get_state", GetState.Request(), patience_s=2.0)
        if answer is not None and answer.current_state.id == State.PRIMARY_STATE_ACTIVE:
            return
    raise CommandError(f"expected {name} to be active within {PATIENCE_S:g} s of its start, found that it is not")


def _faces_again(listener: Listener, name: str) -> _Back:
    """From now to a face of a sample that is taken from now on, and to one that follows the wearer."""
    began_s, since_s = time.monotonic(), time.time()
    found = []
    for states in (range(_STATES), _FOLLOWS):
        fresh = lambda states=states: any(  # noqa: E731
            stamp_s > since_s and state in states for _, stamp_s, _, state in listener.heard.faces
        )
        if not listener.spin(PATIENCE_S, fresh):
            raise CommandError(f"expected weights within {PATIENCE_S:g} s of the return of {name}, found none")
        found.append(time.monotonic() - began_s)
    return found[0], found[1]
