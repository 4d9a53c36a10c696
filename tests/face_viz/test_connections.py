import asyncio

import pytest

from face_viz import connections
from face_viz.connections import Connections


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.ended = False
        self.written = b""

    def abort(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = True

    def write(self, data: object) -> None:
        self.written += bytes(data)  # type: ignore[call-overload]


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Connections:
    return Connections(asyncio.Protocol, clock)


def connect(server: Connections) -> Transport:
    transport = Transport()
    server.accept().connection_made(transport)
    return transport


def test_who_asks_for_nothing_is_let_go(server: Connections, clock: Clock) -> None:
    silent, asking, viewer = connect(server), connect(server), connect(server)
    server.asked(asking)
    server.asked(viewer)
    server.watches(viewer)
    clock.now_s += connections.SILENT_S
    server.sweep()
    assert (silent.ended, asking.ended, viewer.ended) == (True, False, False)
    clock.now_s += connections.REQUEST_S
    server.sweep()
    assert (asking.ended, viewer.ended) == (True, False)
    assert len(server) == 1


def test_at_the_limit_the_oldest_silent_one_makes_room(server: Connections, clock: Clock) -> None:
    asking = connect(server)
    server.asked(asking)
    silent = []
    while len(server) < connections.MAX_CONNECTIONS:
        clock.now_s += 0.001
        silent.append(connect(server))
    newest = connect(server)
    assert len(server) == connections.MAX_CONNECTIONS
    assert silent[0].ended
    assert not any(transport.ended for transport in [asking, newest, *silent[1:]])


def test_where_all_watch_a_new_one_is_told_so(server: Connections) -> None:
    for _ in range(connections.MAX_CONNECTIONS):
        server.watches(connect(server))
    refused = connect(server)
    assert refused.ended
    head, _, body = refused.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert f"Content-Length: {len(body)}".encode() in head


def test_one_that_ended_is_forgotten(server: Connections) -> None:
    protocol, transport = server.accept(), Transport()
    protocol.connection_made(transport)
    protocol.connection_lost(None)
    server.asked(transport)
    assert len(server) == 0
