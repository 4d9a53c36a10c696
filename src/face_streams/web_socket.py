"""A WebSocket server in a thread of its own: every client gets the newest face, at the pace that it takes them.

Pulled, not pushed: a slow client skips faces, one that takes nothing is let go, and nobody waits for either. Web pages
of other sites are refused: without that, any page in a browser on this machine could read the face.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
from typing import Final
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from face_model.listener import open_listener
from face_streams.errors import AddressError

MOST_CLIENTS = 32
SEND_TIMEOUT_S = 5.0
"""A client that takes nothing for this long is let go."""
MESSAGES_PER_S = 20
_BUFFER_BYTES = 1 << 16
"""What waits on its way to a slow client: some 20 faces; more would make what it sees old."""
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class FaceServer:
    """Serves texts until `close`.

    Args:
        host: address to listen on.
        port: likewise; 0: the system chooses.
        hello: text that a client is told first.
        origins: of web pages that may read beside those of this machine.

    Attributes:
        port: where it listens.
        sent: texts that clients were given.
        skipped: texts that a client did not get because a newer one was there before it was ready.
        refused: connections of web pages that may not read, and such as there was no room for.

    Raises:
        AddressError: the address cannot be listened on.
    """

    def __init__(self, host: str, port: int, hello: str, origins: tuple[str, ...] = ()) -> None:
        self.sent = self.skipped = self.refused = 0
        self._hello, self._origins = hello, origins
        self._listener = _listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._newest: tuple[int, str] = (0, "")
        self._clients: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._news = self._closing = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="face_stream_ws", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def clients(self) -> int:
        """Clients connected now."""
        return len(self._clients)

    def show(self, text: bytes) -> None:
        """Make this the newest face; called from any thread."""
        self._newest = (self._newest[0] + 1, text.decode())
        if self._clients:
            with contextlib.suppress(RuntimeError):  # the loop has ended since
                self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        """Let every client go and free the port; may be called twice."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()

    # In the server's thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            # A client that does not answer its close is not waited for.
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self._loop.close()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _serve(self) -> None:
        self._news, self._closing = asyncio.Event(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/", self._client)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.SockSite(runner, self._listener)
        await site.start()
        self._ready.set()
        await self._closing.wait()
        for client in list(self._clients):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(client.close(code=1001, message=b"stream ends"), 0.2)
        await runner.cleanup()

    async def _client(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if origin and not self._may(origin):
            self.refused += 1
            raise web.HTTPForbidden(
                text=f"expected a page of this machine, found one of {origin}; allow it by origins={origin}"
            )
        if len(self._clients) >= MOST_CLIENTS:
            self.refused += 1
            raise web.HTTPServiceUnavailable(text=f"expected at most {MOST_CLIENTS} clients; close some")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise web.HTTPUpgradeRequired(text="expected a WebSocket client; docs/streams.md has examples")
        client = web.WebSocketResponse(heartbeat=10.0, max_msg_size=4096, compress=False)
        await client.prepare(request)
        if request.transport is not None:
            request.transport.set_write_buffer_limits(high=_BUFFER_BYTES)
            found = request.transport.get_extra_info("socket")
            if found is not None:
                with contextlib.suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self._clients.add(client)
        sender = asyncio.ensure_future(self._stream(client))
        try:
            second, messages = self._loop.time(), 0
            async for message in client:
                if self._loop.time() - second >= 1.0:
                    second, messages = self._loop.time(), 0
                messages += 1
                if messages > MESSAGES_PER_S or message.type is WSMsgType.ERROR:
                    await client.close(code=1008, message=b"too many messages")
                    break
        finally:
            self._clients.discard(client)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return client

    async def _stream(self, client: web.WebSocketResponse) -> None:
        last = self._newest[0]
        await self._send(client, self._hello)
        while not client.closed:
            number, text = self._newest
            if number == last:
                await self._news.wait()
                continue
            self.skipped += number - last - 1
            last = number
            if await self._send(client, text):
                self.sent += 1

    async def _send(self, client: web.WebSocketResponse, text: str) -> bool:
        try:
            await asyncio.wait_for(client.send_str(text), SEND_TIMEOUT_S)
        except (asyncio.TimeoutError, ConnectionError):
            self._clients.discard(client)
            await client.close()
            return False
        return True

    def _may(self, origin: str) -> bool:
        if origin in self._origins:
            return True
        try:
            return urlsplit(origin).hostname in _LOCAL
        except ValueError:
            return False


def _listen(host: str, port: int) -> socket.socket:
    """Raises `AddressError`."""
    try:
        return open_listener(host, port)
    except socket.gaierror as error:
        raise AddressError(
            f"expected an address of this machine, found {host!r} ({error.strerror}); use 127.0.0.1 for this machine "
            "only or 0.0.0.0 for every network it is in"
        ) from error
    except OSError as error:
        why = {
            errno.EADDRINUSE: "another program holds the port: end it, or choose another one",
            errno.EACCES: "no permission: choose a port of 1024 or above",
        }.get(error.errno or 0, f"{error.strerror}: use 127.0.0.1, or 0.0.0.0 for every network this machine is in")
        raise AddressError(f"ws: expected to listen on {host}:{port}, found {why}") from error
