"""The real processes on a simulated hub, for as long as something is measured."""

from __future__ import annotations

import os
import socket
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from imusic_cli.errors import CommandError
from imusic_cli.supervisor import Supervisor
from imusic_ros.graph import load_graph

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
    """

    namespace: str
    pids: Mapping[str, int]


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
    # DDS forgets the nodes of a graph that has ended only after a while: each gets a name of its own.
    namespace = f"bench_{os.getpid()}_{next(_number)}"
    lines: deque[str] = deque(maxlen=_KEPT_LINES)
    with tempfile.TemporaryDirectory(prefix="imusic_") as folder:
        line = {"udp": _free_udp_port()} if transport == "udp" else {"port": str(Path(folder) / "hub")}
        processes = load_graph(graph).started_with({**(values or {}), **line})
        with Supervisor(processes, namespace, lambda name, text: lines.append(f"{name}: {text}")) as supervisor:
            try:
                yield RunningGraph(f"/{namespace}", supervisor.pids())
                if ended := supervisor.ended():
                    raise CommandError(f"expected every process to run to the end, but these ended: {ended}")
            except CommandError as error:
                raise CommandError("\n".join([str(error), "last printed:", *lines])) from error


def _free_udp_port() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
