"""A hub on the network, by UDP."""

from __future__ import annotations

import errno
import socket
import time
from typing import Final, TypeAlias

from imu_driver.transport import BusyError, DeniedError, IsHub, LostError, NotFoundError, TransportError

Address: TypeAlias = tuple[str, int]

MAX_DATAGRAM = 65535

BUFFER_BYTES: Final = 4 << 20
"""Asked of the system for what waits to be read; it may grant less. Strangers fill it as well."""

SILENT_S: Final = 0.15
"""A hub that was not heard for this long may be at another address."""

MOST_FOREIGN: Final = 500
"""Datagrams of strangers that one `read` drops before it returns."""

HostAndPort: TypeAlias = tuple[str, int | None]
"""None: any port."""


class UdpTransport:
    """Datagrams of whole frames, from one hub only.

    Args:
        host: address to bind; 127.0.0.1 hears this machine only.
        port: UDP port to bind; 0 lets the system choose.
        hub: address of the hub, its port None where it may be any. None: the first sender that proves to be one, until
            opened anew or until it is silent and another proves to be the same hub; see `open`.

    Attributes:
        foreign: datagrams dropped because another sender sent them.
        unsent: writes dropped because no hub was known yet.
    """

    datagrams = True

    def __init__(self, host: str, port: int, hub: HostAndPort | None = None) -> None:
        self.host = host
        self.port = port
        self.foreign = 0
        self.unsent = 0
        self._told = hub
        self._hub: Address | None = None
        self._only: str | None = None
        self._fixed = False
        self._heard_s = 0.0
        self._stranger: Address | None = None
        self._is_hub: IsHub | None = None
        self._socket: socket.socket | None = None
        self._timeout_s = 0.0

    @property
    def description(self) -> str:
        """Both ends."""
        host, port = self.address
        if self._hub is not None:
            return f"UDP {host}:{port} from the hub at {self._hub[0]}:{self._hub[1]}"
        if self._told is not None:
            at = self._told[0] if self._told[1] is None else f"{self._told[0]}:{self._told[1]}"
            return f"UDP {host}:{port} from the hub at {at}"
        return f"UDP {host}:{port}, no hub yet"

    @property
    def address(self) -> Address:
        """Bound address; the port is the system's choice once open."""
        if self._socket is None:
            return self.host, self.port
        host, port = self._socket.getsockname()
        return str(host), int(port)

    @property
    def hub(self) -> Address | None:
        """The only sender accepted, None while unknown."""
        return self._hub

    def open(self, is_hub: IsHub | None = None) -> None:
        """Bind.

        Args:
            is_hub: whether a datagram proves that its sender is the hub, asked while no hub is known; None: any does.

        Raises:
            NotFoundError, BusyError, DeniedError, TransportError: why not, and what to do.
        """
        self.close()
        # Resolved, because datagrams carry numbers, not names.
        self._only, port = self._resolve(*self._told) if self._told else (None, None)
        self._fixed = self._only is not None and port is not None
        self._hub = (self._only, port) if self._only is not None and port is not None else None
        self._stranger = None
        self._is_hub = is_hub
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.bind((self.host, self.port))
        except OSError as error:
            opened.close()
            raise opening_error(f"UDP {self.host}:{self.port}", error) from error
        self._timeout_s = 0.0
        opened.settimeout(0.0)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket = opened

    def read(self, timeout_s: float) -> bytes:
        """The next datagram of the hub; b"" after `timeout_s` or many datagrams of strangers. Raises `LostError`."""
        opened = self._opened()
        if timeout_s != self._timeout_s:
            opened.settimeout(timeout_s)
            self._timeout_s = timeout_s
        end_s = 0.0
        for _ in range(MOST_FOREIGN):
            try:
                data, sender = opened.recvfrom(MAX_DATAGRAM)
            except (TimeoutError, BlockingIOError):
                return b""
            except ConnectionError:
                # Some systems report here that an earlier datagram of ours found nobody.
                return b""
            except OSError as error:
                raise self._lost(error) from error
            if sender == self._hub:
                self._heard_s = time.monotonic()
                return data
            now_s = time.monotonic()
            if self._accepts(data, sender, now_s):
                self._hub, self._heard_s, self._stranger = sender, now_s, None
                return data
            self.foreign += 1
            end_s = end_s or now_s + timeout_s
            if now_s >= end_s:
                break
        return b""

    def _accepts(self, data: bytes, sender: Address, now_s: float) -> bool:
        """Whether a datagram of somebody else is the hub's: of the first one, or of a hub that changed its address."""
        if self._fixed or (self._only is not None and sender[0] != self._only):
            return False
        if self._hub is not None and (self._is_hub is None or now_s - self._heard_s < SILENT_S):
            return False
        if self._is_hub is None or self._is_hub(data):
            return True
        # What the hub sends by itself may be samples only: it is asked who it is, see `write`.
        self._stranger = sender
        return False

    def write(self, data: bytes) -> None:
        """Send to the hub, if it is known; raises `LostError`."""
        opened = self._opened()
        stranger, self._stranger = self._stranger, None
        if self._hub is None:
            self.unsent += 1
            return
        try:
            opened.sendto(data, self._hub)
            if stranger is not None:
                # The hub, if it is one that was given another port on its way here, answers from there.
                opened.sendto(data, stranger)
        except (BlockingIOError, TimeoutError, ConnectionError):
            # UDP promises nothing; the session repeats what is not acknowledged.
            self.unsent += 1
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Unbind and forget a learned hub."""
        opened, self._socket = self._socket, None
        self._hub = None
        if opened is not None:
            opened.close()

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LostError(f"{self.description} is not open")
        return self._socket

    def _lost(self, error: OSError) -> LostError:
        return LostError(f"lost {self.description} ({error}); check the network, it is picked up again by itself")

    @staticmethod
    def _resolve(host: str, port: int | None) -> HostAndPort:
        try:
            return socket.gethostbyname(host), port
        except OSError as error:
            raise NotFoundError(f"hub address {host}: cannot be resolved ({error}); set `hub_address`") from error


def opening_error(where: str, error: OSError) -> TransportError:
    """Why a socket cannot be bound, and what to do; `where` is its address, for people."""
    if error.errno == errno.EADDRINUSE:
        return BusyError(f"{where}: another program holds the port; close it, or set another port in `udp`")
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return NotFoundError(
            f"{where}: expected 127.0.0.1, 0.0.0.0 or an address of this machine as host in `udp`, found another"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return DeniedError(f"{where}: permission denied; set a port above 1023 in `udp`")
    return TransportError(f"{where}: cannot be bound ({error})")


def parse_hub_address(text: str) -> HostAndPort | None:
    """`host:port`, or `host:*` for any port, to an address, an empty text to None.

    Raises:
        ValueError: none of these.
    """
    host, star, rest = text.rpartition(":*")
    if star and host and not rest:
        return host, None
    return parse_address(text)


def parse_address(text: str) -> Address | None:
    """`host:port` to an address, an empty text to None.

    Raises:
        ValueError: neither.
    """
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"expected a hub address as host:port or an empty text, found {text!r}")
    return host, int(port)
