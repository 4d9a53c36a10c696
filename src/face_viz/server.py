"""Serves the page in a thread of its own: HTTP for what is fixed, a WebSocket per viewer for frames."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from aiohttp import WSMsgType, web

from face_model.listener import open_listener
from face_viz.connections import MAX_VIEWERS, SILENT_S, Connections
from face_viz.errors import PortError
from face_viz.guard import refusal
from face_viz.page_commands import PERIOD_S, Command, parse_command
from face_viz.policy import content_security_policy

# Where the files really are: a colcon --symlink-install holds links, which aiohttp rightly does not follow.
WEB_DIR = (Path(__file__).parent / "web" / "index.html").resolve().parent
DEFAULT_PORT = 8080
PORTS_TRIED = 50
SEND_TIMEOUT_S = 5.0
"""A viewer that takes nothing for this long is let go; it comes back by itself when it can."""
HASTY = "That was asked for a moment ago: wait for it to end"
MESSAGES_PER_S = 20
"""A viewer that sends more is not our page, and is let go."""
SWEEP_PERIOD_S = 1.0
FILE_PART: Final = 1 << 18
"""Bytes of a file that are read at once."""


class FrameSource(Protocol):
    """What the server asks for, from its own thread, only while somebody watches."""

    def rig_bytes(self) -> bytes:
        """The rig, once per viewer."""

    def scene(self) -> tuple[int, dict[str, Any]]:
        """Revision and description of what changes rarely."""

    def frame(self, last: int) -> tuple[int, bytes] | None:
        """Key and bytes of the newest frame, or None if its key is `last`."""

    def notes(self) -> Mapping[str, tuple[int, str]]:
        """What else is told when it changes, by name: revision and JSON text."""

    def reference(self, last: int) -> tuple[int, bytes] | None:
        """Key and bytes of the newest reference face, or None if its key is `last`."""

    def signals(self, last: int) -> tuple[int, list[bytes]]:
        """Number of the newest piece of the sensors' signals, and those after `last` that are still kept."""

    def command(self, command: Command) -> None:
        """Somebody pressed a button."""

    def file(self, token: str) -> tuple[Path, str] | None:
        """The file that is offered under this token, and its name; None if none is."""


def _listen(host: str, port: int) -> socket.socket:
    """On this port, or on the next free one for 0; raises `PortError`."""
    candidates = [port] if port else range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED)
    for candidate in candidates:
        try:
            return open_listener(host, candidate)
        except socket.gaierror as error:
            raise PortError(
                f"expected a host name or address of this machine, found {host!r} ({error.strerror}); "
                f"use 127.0.0.1 for this machine only or 0.0.0.0 for every network it is in"
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port == 0:
                continue
            raise _port_error(host, candidate, error) from error
    raise PortError(
        f"expected a free port between {DEFAULT_PORT} and {DEFAULT_PORT + PORTS_TRIED - 1} on {host}, found none; "
        f"set the parameter `port` to a free one"
    )


def _port_error(host: str, port: int, error: OSError) -> PortError:
    if error.errno == errno.EADDRINUSE:
        return PortError(
            f"expected port {port} on {host} to be free, found it in use by another program (is imusic running "
            f"already?); end that program, set the parameter `port` to another one, or to 0 for the next free one"
        )
    if error.errno == errno.EACCES:
        return PortError(
            f"expected to be allowed to serve on port {port}, found no permission; choose a port of 1024 or above"
        )
    return PortError(
        f"expected an address of this machine, found {host}:{port} ({error.strerror}); "
        f"use 127.0.0.1 for this machine only or 0.0.0.0 for every network it is in"
    )


class PageServer:
    """Serves `source` until `close`.

    Frames are pulled, not pushed: each viewer asks for the newest at its own pace, so a slow one skips frames and
    delays nobody, and with no viewer nothing runs.

    Raises:
        PortError: the address cannot be served.
    """

    def __init__(self, source: FrameSource, host: str, port: int, rate_hz: float) -> None:
        self._source = source
        self._host = host
        self.period_s = 1.0 / rate_hz
        self._listener = _listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._clients: set[web.WebSocketResponse] = set()
        self.bytes_sent = 0
        self.frames_sent = 0
        self._plotters: set[web.WebSocketResponse] = set()
        self._allowed_from_s: dict[str, float] = {}
        self._connections: Connections
        self._loop = asyncio.new_event_loop()
        self._closing: asyncio.Event = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="face_page", daemon=True)
        self._thread.start()

    @property
    def clients(self) -> int:
        """Viewers connected now."""
        return len(self._clients)

    @property
    def plotters(self) -> int:
        """Viewers that look at the sensors' signals now."""
        return len(self._plotters)

    def close(self) -> None:
        """Let every viewer go and free the port; may be called twice."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has ended since
                self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()

    def notify(self, text: str, ok: bool) -> None:
        """Show one line to every viewer."""
        message = json.dumps({"type": "notice", "text": text, "ok": ok})

        def send() -> None:
            for client in list(self._clients):
                self._loop.create_task(self._send(client, message))

        with contextlib.suppress(RuntimeError):  # nobody is there any more to be told
            self._loop.call_soon_threadsafe(send)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._index)
        app.router.add_get("/rig", self._rig)
        app.router.add_get("/frames", self._frames)
        app.router.add_get("/exports/{token}", self._file, allow_head=False)
        app.router.add_static("/", WEB_DIR)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, keepalive_timeout=SILENT_S)
        await runner.setup()
        assert runner.server is not None
        self._connections = Connections(runner.server, self._loop.time)
        accepting = await self._loop.create_server(self._connections.accept, sock=self._listener)
        while not self._closing.is_set():
            self._connections.sweep()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closing.wait(), SWEEP_PERIOD_S)
        accepting.close()
        for client in list(self._clients):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(client.close(code=1001, message=b"server ends"), 0.2)
        await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        self._connections.asked(request.transport)
        headers = request.headers
        reason = refusal(
            self._host,
            headers.getall("Host", []),
            headers.getall("Origin", []),
            # Following a link is no reading: the browser shows the page to its user, not to the other site.
            "" if headers.get("Sec-Fetch-Mode") == "navigate" else headers.get("Sec-Fetch-Site", ""),
        )
        if reason is not None:
            raise web.HTTPForbidden(text=reason)
        response: web.StreamResponse = await handler(request)
        if not response.prepared:
            self._secure(response)
        return response

    @staticmethod
    def _secure(response: web.StreamResponse) -> None:
        response.headers.setdefault("Content-Security-Policy", content_security_policy())
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        html = (WEB_DIR / "index.html").read_text(encoding="utf-8")
        policy = {"Content-Security-Policy": content_security_policy(html)}
        return web.Response(text=html, content_type="text/html", headers=policy)

    async def _rig(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._source.rig_bytes(), content_type="application/octet-stream")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A file that was exported: only the token leads to it, and it is no part of a path."""
        offered = self._source.file(request.match_info["token"])
        if offered is None:
            raise web.HTTPNotFound(text="expected a file that was exported, found none any more; export it again")
        path, name = offered
        try:
            content = await asyncio.to_thread(path.open, "rb")
        except OSError as error:
            raise web.HTTPNotFound(text=f"the file is gone ({error.strerror}); export it again") from error
        with content:
            response = web.StreamResponse()
            response.content_type = "application/octet-stream"
            response.content_length = os.fstat(content.fileno()).st_size
            response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
            self._secure(response)
            await response.prepare(request)
            while part := await asyncio.to_thread(content.read, FILE_PART):
                await response.write(part)
                # Whoever takes it slowly has a minute for each part, not for the whole.
                self._connections.asked(request.transport)
                self.bytes_sent += len(part)
            await response.write_eof()
        return response

    async def _frames(self, request: web.Request) -> web.StreamResponse:
        if len(self._clients) >= MAX_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"expected at most {MAX_VIEWERS} viewers; close some pages")
        client = web.WebSocketResponse(heartbeat=10.0, max_msg_size=4096, compress=False)
        await client.prepare(request)
        self._connections.watches(request.transport)
        second, messages = self._loop.time(), 0
        with self._listed(client):
            sender = asyncio.ensure_future(self._stream(client))
            try:
                async for message in client:
                    if self._loop.time() - second >= 1.0:
                        second, messages = self._loop.time(), 0
                    messages += 1
                    if messages > MESSAGES_PER_S:
                        await client.close(code=1008, message=b"too many messages")
                        break
                    if message.type is WSMsgType.TEXT:
                        await self._command(client, message.data)
            finally:
                sender.cancel()
                # The stream ends by this cancellation or by the connection it wrote to.
                await asyncio.gather(sender, return_exceptions=True)
        return client

    @contextlib.contextmanager
    def _listed(self, client: web.WebSocketResponse) -> Iterator[None]:
        self._clients.add(client)
        try:
            yield
        finally:
            self._clients.discard(client)
            self._plotters.discard(client)

    async def _command(self, client: web.WebSocketResponse, text: str) -> None:
        command = parse_command(text)
        if command is None:
            return
        if command.name == "watch":
            (self._plotters.add if command.signals else self._plotters.discard)(client)
            return
        now_s = self._loop.time()
        if now_s < self._allowed_from_s.get(command.name, now_s):
            await self._send(client, json.dumps({"type": "notice", "text": HASTY, "ok": False}))
            return
        self._allowed_from_s[command.name] = now_s + PERIOD_S[command.name]
        self._source.command(command)

    async def _stream(self, client: web.WebSocketResponse) -> None:
        shown, last, reference, signals = -1, -1, -1, -1
        told: dict[str, int] = {}
        next_s = self._loop.time()
        while not client.closed:
            revision, scene = self._source.scene()
            if revision != shown:
                shown = revision
                await self._send(client, json.dumps({"type": "scene", **scene}))
            for name, (number, text) in list(self._source.notes().items()):
                if told.get(name) != number:
                    told[name] = number
                    await self._send(client, text)
            update = self._source.reference(reference)
            if update is not None:
                reference, payload = update
                await self._send(client, payload)
            if client in self._plotters:
                signals, pieces = self._source.signals(signals)
                for payload in pieces:
                    await self._send(client, payload)
            update = self._source.frame(last)
            if update is not None:
                last, payload = update
                await self._send(client, payload)
                self.frames_sent += 1
            next_s = max(next_s + self.period_s, self._loop.time())
            await asyncio.sleep(next_s - self._loop.time())

    async def _send(self, client: web.WebSocketResponse, message: bytes | str) -> None:
        send = client.send_bytes(message) if isinstance(message, bytes) else client.send_str(message)
        try:
            await asyncio.wait_for(send, SEND_TIMEOUT_S)
        except (asyncio.TimeoutError, ConnectionError):
            await client.close()
            return
        self.bytes_sent += len(message)
