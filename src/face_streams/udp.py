"""Datagrams to one reader: never waits, and knows whether somebody is there as far as the network tells."""

from __future__ import annotations

import errno
import socket
from collections import Counter

from face_streams.errors import AddressError

REFUSED = "refused"
"""The reader's machine says that no program listens on the port."""
_REASONS = {
    errno.ECONNREFUSED: REFUSED,
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.ENETDOWN: "network down",
    errno.EAGAIN: "send buffer full",
    errno.ENOBUFS: "send buffer full",
    errno.EPERM: "forbidden by a firewall",
    errno.EMSGSIZE: "datagram too large",
}
ASKED_AGAIN_S = 1.0
"""Where nobody reads, a face goes out so long after the last refusal: who begins to read waits two of these at most,
because a refusal is heard of when the next face is sent."""
SOON_S = 2.0
"""A refusal says something of this long: a reader that was started since is not refused any more."""


class UdpSender:
    """Sends to one address.

    Args:
        host: name or number of the reader.
        port: of the reader.

    Attributes:
        sent: datagrams that the system took.
        failed: datagrams that it did not take, or that came back, by reason.

    Raises:
        AddressError: the name cannot be resolved, or there is no way to it.
    """

    def __init__(self, host: str, port: int) -> None:
        self.sent = 0
        self.bytes_sent = 0
        self.failed: Counter[str] = Counter()
        self._failed_s = -1e9
        self._why = ""
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise AddressError(
                f"expected the name or number of a machine, found {host!r} ({error.strerror}); correct it"
            ) from error
        self._address = address
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._is_connected = False
        self._connect(0.0)

    def send(self, datagrams: list[bytes], now_s: float) -> None:
        """Send, at a time on a clock that never goes back."""
        if not self._is_connected and not self._connect(now_s):
            return
        for data in datagrams:
            try:
                self._socket.send(data)
            except OSError as error:
                # What a connected socket reports here may be an answer to the datagram before.
                self._fail(error, now_s)
            else:
                self.sent += 1
                self.bytes_sent += len(data)

    def is_refused(self, now_s: float) -> bool:
        """Whether the reader's machine said a moment ago that nobody reads there: then nothing need be sent."""
        return self._why == REFUSED and now_s - self._failed_s < ASKED_AGAIN_S

    def problem(self, now_s: float) -> str:
        """Why nothing arrives, as far as is known; empty where the network said nothing against it."""
        return self._why if now_s - self._failed_s < SOON_S else ""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _connect(self, now_s: float) -> bool:
        """So that refusals come back to this socket; again later where there is no way now."""
        try:
            self._socket.connect(self._address)
        except OSError as error:
            self._fail(error, now_s)
            return False
        self._is_connected = True
        return True

    def _fail(self, error: OSError, now_s: float) -> None:
        self._why = _REASONS.get(error.errno or 0, error.strerror or "unknown")
        self._failed_s = now_s
        self.failed[self._why] += 1
