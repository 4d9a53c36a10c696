"""Bounds on the connections of the page's server: idle ones may not use up the process's file descriptors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

MAX_CONNECTIONS = 128
"""Open at once. A browser opens up to six and one WebSocket; a process usually has 1,024 descriptors."""
MAX_VIEWERS = 32
"""Open WebSockets at once."""
SILENT_S = 10.0
"""A connection that has asked for nothing for this long is closed."""
REQUEST_S = 60.0
"""A request takes no longer than this: the face is about 3 MB."""

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 52\r\nConnection: close\r\n\r\n"
    b"expected fewer connections at once; close some pages"
)


class Connections:
    """Makes the protocol of each new connection, and closes those that have been idle or slow for too long.

    At the limit a new one takes the place of the oldest that asks for nothing; if all are viewers it is told so.

    Args:
        make: protocol of one connection, of the HTTP server.
        clock: monotonic seconds.
    """

    def __init__(self, make: Callable[[], asyncio.Protocol], clock: Callable[[], float]) -> None:
        self._make = make
        self._clock = clock
        self._open: dict[asyncio.BaseTransport, _Connection] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._open)

    def accept(self) -> asyncio.Protocol:
        """Protocol of a connection that is being accepted."""
        if len(self._open) >= MAX_CONNECTIONS:
            waiting = [connection for connection in self._open.values() if connection.until_s is not None]
            if not waiting:
                return _Refusal()
            self._drop(min(waiting, key=lambda connection: connection.rank))
        return _Connection(self, self._make())

    def asked(self, transport: asyncio.BaseTransport | None) -> None:
        """A request has come in."""
        self._renew(transport, self._clock() + REQUEST_S, 1)

    def watches(self, transport: asyncio.BaseTransport | None) -> None:
        """The connection is a viewer's now: its own heartbeat watches over it."""
        self._renew(transport, None, 2)

    def sweep(self) -> None:
        """Close what has had its time."""
        now_s = self._clock()
        for connection in list(self._open.values()):
            if connection.until_s is not None and connection.until_s <= now_s:
                self._drop(connection)

    def _renew(self, transport: asyncio.BaseTransport | None, until_s: float | None, busy: int) -> None:
        connection = None if transport is None else self._open.get(transport)
        if connection is not None:
            connection.until_s, connection.rank = until_s, (busy, self._clock())

    def _drop(self, connection: _Connection) -> None:
        self.dropped += 1
        self._open.pop(connection.transport, None)
        connection.transport.abort()

    def opened(self, connection: _Connection) -> None:
        """Called by a connection that is open."""
        connection.until_s, connection.rank = self._clock() + SILENT_S, (0, self._clock())
        self._open[connection.transport] = connection

    def closed(self, connection: _Connection) -> None:
        """Called by a connection that has ended."""
        self._open.pop(connection.transport, None)


class _Connection(asyncio.Protocol):
    """Passes everything on to the HTTP server's own protocol."""

    transport: asyncio.Transport
    until_s: float | None
    """When it is closed; None: stays."""
    rank: tuple[int, float]
    """The least is closed first where room is needed: whether it has asked for something, and when."""

    def __init__(self, owner: Connections, inner: asyncio.Protocol) -> None:
        self._owner = owner
        self._inner = inner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._owner.opened(self)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.closed(self)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class _Refusal(asyncio.Protocol):
    """Says that there is no room, and ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        writer = cast("asyncio.Transport", transport)
        writer.write(BUSY)
        writer.close()
