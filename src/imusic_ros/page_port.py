"""The port of the page where another program has the usual one."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace

from imusic_ros.graph import GraphError, Process

PAGE = "face_viz"
USUAL_PORT = 8080


def with_free_page(processes: tuple[Process, ...], asked: bool) -> tuple[tuple[Process, ...], str]:
    """The processes, whose page takes the next free port where the usual one is taken; and one line that says so.

    Args:
        processes: of a graph.
        asked: whether somebody asked for this very port.

    Raises:
        GraphError: that port is taken.
    """
    page = next((process for process in processes if process.name == PAGE), None)
    if page is None or page.setting("page") is False:
        return processes, ""
    host, port = str(page.setting("host") or "127.0.0.1"), page.setting("port")
    if not isinstance(port, int) or port == 0 or not _is_taken(host, port):
        return processes, ""
    if asked or port != USUAL_PORT:
        raise GraphError(
            f"page_port: expected port {port} on {host} to be free, found it in use by another program; end that "
            "program, ask for another port, or for 0, the next free one"
        )
    moved = replace(page, overrides={**page.overrides, "port": 0})
    line = f"port {port} on {host} is in use by another program: the page takes the next free one"
    return tuple(moved if process is page else process for process in processes), line


def _is_taken(host: str, port: int) -> bool:
    """Whether another program serves there; whatever else is wrong with the address is said by the page itself."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except UnicodeError:
        return False
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False
