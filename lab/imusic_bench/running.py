"""The real processes on a simulated hub, for as long as something is measured."""

from __future__ import annotations

import os
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from imusic_cli.errors import CommandError
from imusic_cli.supervisor import Supervisor
from imusic_ros.graph import Process, load_graph

TRANSPORTS = ("serial", "udp")

SETTLE_S = 6.0
"""Neutral calibration and start-up are over this long after the first face."""

_KEPT_LINES = 15
_number = count()


@dataclass(frozen=True)
class RunningGraph:
    """A started graph.

    Attributes:
        namespace: of all its nodes, with the leading slash.
        pids: process ids by process name.
        check: raises CommandError when a process has ended.
    """

    namespace: str
    pids: Mapping[str, int]
    check: Callable[[], None]


@contextmanager
def running_graph(
    transport: str = "serial", graph: str = "headless", values: Mapping[str, object] | None = None
) -> Iterator[RunningGraph]:
    """Start a graph of `config/graph.yaml` that has a simulated hub, on a line and in a namespace of its own.

    Args:
        transport: serial (a pseudo-terminal) or udp.
        graph: its name.
        values: further arguments of the graph.

    Raises:
        CommandError: a process ended meanwhile; or one of the caller, with the last lines that the nodes printed.
        GraphError: an argument that the graph does not have.
    """
    with tempfile.TemporaryDirectory(prefix="imusic_") as folder:
        line = {"udp": free_udp_port()} if transport == "udp" else {"port": str(Path(folder) / "hub")}
        processes = load_graph(graph).started_with({**(values or {}), **line})
        namespace = new_namespace()
        with started({namespace: processes}) as (pids, check):
            yield RunningGraph(f"/{namespace}", pids[namespace], check)


def new_namespace() -> str:
    """One that no graph had before: DDS forgets the nodes of a graph that has ended only after a while."""
    return f"bench_{os.getpid()}_{next(_number)}"


@contextmanager
def started(
    groups: Mapping[str, Sequence[Process]],
) -> Iterator[tuple[Mapping[str, Mapping[str, int]], Callable[[], None]]]:
    """Start the processes of each namespace.

    Yields:
        Process ids by namespace and process name, and what raises CommandError when one has ended.

    Raises:
        CommandError: a process ended meanwhile; or one of the caller, with the last lines that were printed.
    """
    lines: deque[str] = deque(maxlen=_KEPT_LINES)
    with ExitStack() as stack:
        supervisors = {
            namespace: stack.enter_context(
                Supervisor(processes, namespace, lambda name, text: lines.append(f"{name}: {text}"))
            )
            for namespace, processes in groups.items()
        }

        def check() -> None:
            ended = {f"{n}/{name}": status for n, s in supervisors.items() for name, status in s.ended().items()}
            if ended:
                raise CommandError(f"expected every process to run to the end, but these ended: {ended}")

        try:
            yield {namespace: supervisor.pids() for namespace, supervisor in supervisors.items()}, check
            check()
        except CommandError as error:
            raise CommandError("\n".join([str(error), "last printed:", *lines])) from error


def free_udp_port() -> str:
    """HOST:PORT of this machine that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
