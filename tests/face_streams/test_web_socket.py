"""The WebSocket server on a real socket: faces, slow clients, foreign pages, and a taken port."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("websocket", reason="a client comes with selenium: pip install -r requirements/test.txt")
import websocket

from face_streams import web_socket
from face_streams.errors import AddressError
from face_streams.web_socket import MOST_CLIENTS, FaceServer


@pytest.fixture
def server() -> Iterator[FaceServer]:
    made = FaceServer("127.0.0.1", 0, '{"type":"hello"}', ("https://studio.example",))
    yield made
    made.close()


def connect(server: FaceServer, **options: object) -> websocket.WebSocket:
    options.setdefault("suppress_origin", True)
    return websocket.create_connection(f"ws://127.0.0.1:{server.port}/", timeout=60, **options)


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end_s, "nothing happened in time"
        time.sleep(0.01)


def test_a_client_is_greeted_and_gets_faces(server: FaceServer) -> None:
    client = connect(server)
    assert json.loads(client.recv()) == {"type": "hello"}
    until(lambda: server.clients == 1)
    server.show(b'{"n":1}')
    assert json.loads(client.recv()) == {"n": 1}
    client.close()
    until(lambda: server.clients == 0)


def test_a_slow_client_skips_and_delays_nobody(server: FaceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_socket, "SEND_TIMEOUT_S", 600.0)
    slow, quick = connect(server, sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),)), connect(server)
    quick.recv()
    until(lambda: server.clients == 2)
    filler = "x" * 20_000
    for number in range(300):
        server.show(json.dumps({"n": number, "filler": filler}).encode())
        assert json.loads(quick.recv())["n"] == number
    slow.recv()
    server.show(b'{"n":1000}')
    seen = []
    while not seen or seen[-1] != 1000:
        seen.append(json.loads(slow.recv())["n"])
    assert seen == sorted(seen)
    assert len(seen) < 300
    assert server.skipped > 0


def test_a_client_that_takes_nothing_is_let_go(server: FaceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_socket, "SEND_TIMEOUT_S", 0.2)
    client = connect(server, sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),))
    until(lambda: server.clients == 1)
    end_s = time.monotonic() + 60.0
    while server.clients:
        assert time.monotonic() < end_s
        server.show(b'"' + b"x" * 100_000 + b'"')
        time.sleep(0.01)
    client.close()


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1", True),
        ("https://studio.example", True),
        ("https://evil.example", False),
        ("null", False),
        ("http://localhost.evil.example", False),
        ("http://[", False),
    ],
)
def test_pages_of_other_sites_are_refused(server: FaceServer, origin: str, may: bool) -> None:
    if may:
        assert json.loads(connect(server, suppress_origin=False, origin=origin).recv()) == {"type": "hello"}
        return
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        connect(server, suppress_origin=False, origin=origin)
    assert server.refused == 1


def test_there_is_room_for_so_many(server: FaceServer) -> None:
    clients = [connect(server) for _ in range(MOST_CLIENTS)]
    until(lambda: server.clients == MOST_CLIENTS)
    with pytest.raises(websocket.WebSocketBadStatusException, match="503"):
        connect(server)
    for client in clients:
        client.close()


def test_a_client_that_talks_too_much_is_let_go(server: FaceServer) -> None:
    client = connect(server)
    client.recv()
    for _ in range(100):
        try:
            client.send("hello")
        except OSError:
            break
    until(lambda: server.clients == 0)


def test_a_taken_port_and_an_address_of_another_machine_are_told(server: FaceServer) -> None:
    with pytest.raises(AddressError, match="another program holds the port"):
        FaceServer("127.0.0.1", server.port, "")
    with pytest.raises(AddressError, match=r"expected to listen on 192\.0\.2\.1"):
        FaceServer("192.0.2.1", 0, "")


def test_the_port_is_free_after_the_end(server: FaceServer) -> None:
    client = connect(server)
    client.recv()
    port = server.port
    server.close()
    server.close()
    FaceServer("127.0.0.1", port, "").close()
