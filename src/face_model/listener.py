"""A socket that listens for connections, bound before any thread needs it."""

from __future__ import annotations

import socket


def open_listener(host: str, port: int) -> socket.socket:
    """Bind now and here, so that a taken port is an error of the caller and not of a thread.

    Raises:
        socket.gaierror: the host is unknown.
        OSError: the port cannot be had there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError as error:  # longer than a name can be, or of characters that none has
        raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
