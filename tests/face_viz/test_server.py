import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath

import aiohttp
import numpy as np
import pytest

from face_model.rig import FaceRig
from face_viz.connections import MAX_CONNECTIONS
from face_viz.frame import FaceFrame
from face_viz.page import FacePage
from face_viz.page_commands import Command
from face_viz.page_format import encode_rig
from face_viz.policy import content_security_policy

OWN = (
    "main.js",
    "bars.js",
    "wire.js",
    "curves.js",
    "plots.js",
    "session.js",
    "player.js",
    "takes.js",
    "units.js",
    "panel.js",
    "stage.js",
    "style.css",
    "icon.svg",
)
VENDORED = (
    "vendor/three/three.module.min.js",
    "vendor/three/three.core.min.js",
    "vendor/three/addons/controls/OrbitControls.js",
)
Visit = Callable[[aiohttp.ClientSession], Awaitable[None]]


def frame(jaw: float) -> FaceFrame:
    weights = np.zeros(52, np.float32)
    weights[17] = jaw
    return FaceFrame(weights=weights, confidence=np.ones(52, np.float32))


@pytest.fixture
def pressed() -> threading.Event:
    return threading.Event()


@pytest.fixture
def page(small_rig: FaceRig, pressed: threading.Event):
    page = FacePage(small_rig, port=0, draw_rate_hz=60.0, on_calibrate=pressed.set)
    yield page
    page.close()


def visit(page: FacePage, what: Visit) -> None:
    async def go() -> None:
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{page.port}", timeout=timeout) as session:
            await what(session)

    asyncio.run(go())


def test_page_its_scripts_and_the_rig_are_served(page: FacePage, small_rig: FaceRig) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.get("/") as response:
            assert response.status == 200
            assert response.content_type == "text/html"
            html = await response.text()
            assert response.headers["Content-Security-Policy"] == content_security_policy(html)
            assert "main.js" in html
        kinds = {".js": "javascript", ".css": "text/css", ".svg": "image/svg+xml"}
        for name in (*OWN, *VENDORED):
            async with session.get(f"/{name}") as response:
                assert response.status == 200
                assert kinds[PurePath(name).suffix] in response.content_type
                assert "script-src 'self';" in response.headers["Content-Security-Policy"]
        async with session.get("/rig") as response:
            assert await response.read() == encode_rig(small_rig)

    visit(page, what)


@pytest.mark.parametrize(
    "path", ["/../page.py", "/%2e%2e/page.py", "/nothing.js", "/..%2fpage.py", "/vendor/../../page.py", "/vendor/"]
)
def test_nothing_else_is_served(page: FacePage, path: str) -> None:
    # A raw connection: a polite client would tidy the path up.
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = connection.recv(4096)
    assert answer.split()[1] in {b"403", b"404"}


def test_a_viewer_is_told_the_scene_and_then_gets_frames(page: FacePage) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            scene = json.loads((await viewer.receive()).data)
            assert scene["type"] == "scene"
            assert scene["options"]["calibrate"] is True
            page.show(frame(0.25))
            while True:
                message = await viewer.receive()
                assert message.type is aiohttp.WSMsgType.BINARY
                if np.frombuffer(message.data, "<f4", 52, 40)[17] == 0.25:
                    break
            assert page.counters["viewers"] == 1

    visit(page, what)
    assert page.counters["bytes_sent"] > 0


def test_the_button_reaches_the_owner_and_its_answer_every_viewer(page: FacePage, pressed: threading.Event) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer, session.ws_connect("/frames") as other:
            await viewer.receive(), await other.receive()
            await viewer.send_str(json.dumps({"command": "calibrate"}))
            assert await asyncio.to_thread(pressed.wait, 120)
            page.announce("neutral learnt", ok=True)
            for each in (viewer, other):
                while (message := await each.receive()).type is not aiohttp.WSMsgType.TEXT:
                    pass
                assert json.loads(message.data) == {"type": "notice", "text": "neutral learnt", "ok": True}

    visit(page, what)


@pytest.mark.parametrize("text", ["", "{", "[]", "17", '{"command": 3}', '{"command": "rm -rf"}', '{"x": 1}'])
def test_strange_commands_do_nothing(page: FacePage, pressed: threading.Event, text: str) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            await viewer.send_str(text)
            page.show(frame(0.5))
            while True:  # frames go on
                message = await viewer.receive()
                assert message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}
                if message.type is aiohttp.WSMsgType.BINARY:
                    break

    visit(page, what)
    assert not pressed.is_set()


def test_a_page_of_another_site_gets_nothing(page: FacePage) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect("/frames", headers={"Origin": "http://evil.example"})
        assert refused.value.status == 403
        async with session.get("/rig", headers={"Host": "evil.example"}) as response:
            assert response.status == 403
        own = f"http://127.0.0.1:{page.port}"
        async with session.ws_connect("/frames", headers={"Origin": own}) as viewer:
            assert (await viewer.receive()).type is aiohttp.WSMsgType.TEXT

    visit(page, what)


def raw_answer(page: FacePage, *lines: str) -> bytes:
    """First line of the answer to a request written by hand."""
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(4096).partition(b"\r\n")[0]


HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: 127.evil.example"],
        ["Host: 127.0.0.1.evil.example:8080", "Origin: http://127.0.0.1.evil.example:8080"],
        ["Host: localhost.evil.example"],
        ["Host: 127.0.0.1", "Origin: null"],
        ["Host: 127.0.0.1", "Origin: http://127.evil.example"],
        ["Host: 127.0.0.1", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
        ["X-Forwarded-Host: 127.0.0.1", "Host: evil.example"],
    ],
)
def test_a_rebound_or_foreign_request_gets_nothing(page: FacePage, headers: list[str]) -> None:
    for path in ("/", "/rig", "/main.js"):
        assert b" 403 " in raw_answer(page, f"GET {path} HTTP/1.1", *headers)
    assert b" 403 " in raw_answer(page, "GET /frames HTTP/1.1", *headers, *HANDSHAKE)


def test_a_request_without_a_host_gets_nothing(page: FacePage) -> None:
    assert b" 403 " in raw_answer(page, "GET /rig HTTP/1.0")


def test_a_raw_handshake_of_this_machine_passes(page: FacePage) -> None:
    own = f"127.0.0.1:{page.port}"
    assert b" 101 " in raw_answer(page, "GET /frames HTTP/1.1", f"Host: {own}", f"Origin: http://{own}", *HANDSHAKE)


def test_calibrations_are_not_called_faster_than_they_take(small_rig: FaceRig) -> None:
    calls: list[int] = []
    page = FacePage(small_rig, port=0, on_calibrate=lambda: calls.append(1))

    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            for _ in range(10):
                await viewer.send_str(json.dumps({"command": "calibrate"}))
            answers = 0
            while answers < 9:
                message = await viewer.receive()
                assert message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}
                answers += message.type is aiohttp.WSMsgType.TEXT and "a moment ago" in message.data

    try:
        visit(page, what)
    finally:
        page.close()
    assert len(calls) == 1


def test_a_viewer_that_floods_is_let_go(page: FacePage) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            for _ in range(1000):
                await viewer.send_str("{}")
            while (await viewer.receive()).type not in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}:
                pass

    with contextlib.suppress(ConnectionError):  # closed while it still sent
        visit(page, what)


def test_idle_connections_leave_room_for_a_viewer(page: FacePage) -> None:
    with contextlib.ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", page.port), timeout=60))
            for _ in range(MAX_CONNECTIONS + 40)
        ]
        assert b" 200 " in raw_answer(page, "GET / HTTP/1.1", "Host: 127.0.0.1")
        idle[0].settimeout(60)
        with contextlib.suppress(ConnectionError):
            assert idle[0].recv(1) == b""  # the oldest made room


def test_a_silent_connection_is_closed(page: FacePage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("face_viz.connections.SILENT_S", 0.05)
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as connection:
        connection.sendall(b"GET / HT")  # and no more
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""


def test_viewers_are_limited(page: FacePage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("face_viz.server.MAX_VIEWERS", 1)

    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            await viewer.receive()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect("/frames")
            assert refused.value.status == 503

    visit(page, what)


def test_a_viewer_that_reads_nothing_delays_nobody(page: FacePage) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames"), session.ws_connect("/frames") as reader:
            await reader.receive()
            for step in range(1, 40):
                page.show(frame(step / 64))
                while np.frombuffer((await reader.receive_bytes()), "<f4", 52, 40)[17] != step / 64:
                    pass

    visit(page, what)


def test_viewers_that_leave_are_forgotten(page: FacePage) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        for _ in range(20):
            async with session.ws_connect("/frames") as viewer:
                await viewer.receive()
        for _ in range(100):
            if page.counters["viewers"] == 0:
                return
            await asyncio.sleep(0.05)
        pytest.fail("viewers left are still counted")

    visit(page, what)


def test_close_ends_while_viewers_watch(page: FacePage) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            await viewer.receive()
            await asyncio.to_thread(page.close)
            while (await viewer.receive()).type not in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}:
                pass

    visit(page, what)
    assert not any(thread.name == "face_page" and thread.is_alive() for thread in threading.enumerate())


def test_commands_are_a_closed_list_with_bounded_arguments_and_a_pace(small_rig: FaceRig) -> None:
    calls: list[Command] = []
    page = FacePage(small_rig, port=0, on_command=calls.append)
    wrong: list[dict[str, object]] = [
        {"command": "shutdown"}, {"command": "identify", "sensor": 256}, {"command": "identify", "sensor": True},
        {"command": "identify", "sensor": "1"}, {"command": "record", "take": "x" * 65},
        {"command": "record", "take": "a\u0000b"}, {"command": "record", "notes": ["x"]},
        {"command": "routine", "wearer": None}, {"command": "watch", "signals": 1},
        {"command": "check_take", "folder": "../up"}, {"command": "export_take", "format": "exe"},
        {"command": "seek", "position": "1"}, {"command": "set_rate", "rate": None},
    ]  # fmt: skip

    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            for fields in wrong:
                await viewer.send_str(json.dumps(fields))
            await viewer.send_str(json.dumps({"command": "record", "take": " a  b ", "wearer": "alice", "notes": "n"}))
            await viewer.send_str(json.dumps({"command": "record", "take": "again"}))
            await viewer.send_str(json.dumps({"command": "identify", "sensor": 3}))
            while True:  # the answer to the hasty second one
                message = await viewer.receive()
                if message.type is aiohttp.WSMsgType.TEXT and "a moment ago" in message.data:
                    break
            for _ in range(1000):
                if len(calls) == 2:
                    return
                await asyncio.sleep(0.05)

    try:
        visit(page, what)
    finally:
        page.close()
    assert calls == [Command("record", take="a b", wearer="alice", notes="n"), Command("identify", sensor=3)]


def test_a_foreign_page_can_ask_for_nothing(small_rig: FaceRig) -> None:
    calls: list[Command] = []
    page = FacePage(small_rig, port=0, on_command=calls.append)

    async def what(session: aiohttp.ClientSession) -> None:
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect("/frames", headers=headers)
            assert refused.value.status == 403
        for path in ("/frames", "/"):  # no command goes by anything but the socket
            async with session.post(path, data='{"command": "record"}') as response:
                assert response.status == 405

    try:
        visit(page, what)
    finally:
        page.close()
    assert calls == []


def test_notes_are_told_to_every_viewer_once_and_again_when_they_change(page: FacePage) -> None:
    page.tell("recording", {"state": "idle"})

    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as viewer:
            seen: list[object] = []
            while len(seen) < 2:
                message = await viewer.receive()
                if message.type is aiohttp.WSMsgType.TEXT and json.loads(message.data)["type"] == "recording":
                    seen.append(json.loads(message.data)["value"]["state"])
                    page.tell("recording", {"state": "idle"})
                    page.tell("recording", {"state": "recording"})
            assert seen == ["idle", "recording"]

    visit(page, what)


def test_signals_go_to_those_who_watch_them_and_to_nobody_after(page: FacePage) -> None:
    async def what(session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/frames") as plotter, session.ws_connect("/frames") as other:
            await plotter.send_str(json.dumps({"command": "watch", "signals": True}))
            while not page.signals_wanted:
                page.show(frame(0.5))
                await other.receive()
            got = False
            while not got:
                page.add_signals(b"\x64\0\0\0")
                page.show(frame(0.5))
                got = (await plotter.receive()).data == b"\x64\0\0\0"
                assert (await other.receive()).data != b"\x64\0\0\0"
        for _ in range(1000):
            if not page.signals_wanted:
                return
            await asyncio.sleep(0.05)
        pytest.fail("a viewer that left is still counted")

    visit(page, what)


def test_an_exported_file_is_had_by_its_token_alone_and_until_it_is_offered_no_more(
    page: FacePage, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4000  # of several parts
    (tmp_path / "take.glb").write_bytes(content)

    async def what(session: aiohttp.ClientSession) -> None:
        address = page.offer(tmp_path / "take.glb", 'L\u00e4cheln; "x".glb')
        assert len(address) > 30
        async with session.get(f"/{address}") as response:
            assert await response.read() == content
            named = response.headers["Content-Disposition"]
            assert named == "attachment; filename*=UTF-8''L%C3%A4cheln%3B%20%22x%22.glb"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        for wrong in (f"/{address}x", f"/{address[:-1]}", "/exports/", "/exports/%2e%2e%2ftake.glb", "/exports/\u00e4"):
            async with session.get(wrong) as response:
                assert response.status in (403, 404)
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            async with session.get(f"/{address}", headers=headers) as response:
                assert response.status == 403
        other = page.offer(tmp_path / "none", "none")
        for gone in (address, other):
            async with session.get(f"/{gone}") as response:
                assert response.status == 404
        page.offer(None)
        async with session.get(f"/{other}") as response:
            assert response.status == 404

    visit(page, what)


def test_frames_go_on_while_a_file_is_taken_slowly(page: FacePage, tmp_path: Path) -> None:
    (tmp_path / "take.gif").write_bytes(bytes(30_000_000))

    async def what(session: aiohttp.ClientSession) -> None:
        async with session.get(f"/{page.offer(tmp_path / 'take.gif', 'take.gif')}") as response:
            await response.content.read(1)  # and no more
            async with session.ws_connect("/frames") as viewer:
                for step in range(1, 20):
                    page.show(frame(step / 64))
                    while True:
                        message = await viewer.receive()
                        binary = message.type is aiohttp.WSMsgType.BINARY
                        if binary and np.frombuffer(message.data, "<f4", 52, 40)[17] == step / 64:
                            break

    visit(page, what)
