"""A hub on the network, by UDP."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
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

LOOPBACK: Final = "127.0.0.1"
"""What is heard where no host is named: this machine only."""

HostAndPort: TypeAlias = tuple[str, int | None]
"""None: any port."""


class UdpTransport:
    """Datagrams of whole frames, from one hub only.

    Args:
        host: address to bind; 127.0.0.1 hears this machine only.
        port: UDP port to bind; 0 lets the system choose.
        hub: who may be the hub: one or several addresses of a host or a network (`192.168.4.0/24`), their port None
            where it may be any. None: anybody. Where it is not one host with one port, the hub is the first sender
            among them that proves to be one, until opened anew or until it is silent and another proves to be the same
            hub; see `open`.

    Attributes:
        foreign: datagrams dropped because another sender sent them.
        unsent: writes dropped because no hub was known yet.
    """

    datagrams = True

    def __init__(self, host: str, port: int, hub: HostAndPort | tuple[HostAndPort, ...] | None = None) -> None:
        self.host = host
        self.port = port
        self.foreign = 0
        self.unsent = 0
        self._told = () if hub is None else tuple(_listed(hub))
        self._hub: Address | None = None
        self._allowed: Listed = []
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
        if self._told:
            at = " or ".join(name if known is None else f"{name}:{known}" for name, known in self._told)
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
        self._allowed = resolved(self._told)
        self._hub, self._fixed = None, False
        if len(self._allowed) == 1:
            network, port = self._allowed[0]
            if network.num_addresses == 1 and port is not None:
                self._hub, self._fixed = (str(network.network_address), port), True
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
        if self._fixed or not self._may_be_the_hub(sender):
            return False
        if self._hub is not None and (self._is_hub is None or now_s - self._heard_s < SILENT_S):
            return False
        if self._is_hub is None or self._is_hub(data):
            return True
        # What the hub sends by itself may be samples only: it is asked who it is, see `write`.
        self._stranger = sender
        return False

    def _may_be_the_hub(self, sender: Address) -> bool:
        """Whether a sender is on the list, or there is none."""
        return not self._allowed or is_listed(sender, self._allowed)

    def write(self, data: bytes) -> None:
        """Send to the hub, if it is known; raises `LostError`."""
        opened = self._opened()
        stranger, self._stranger = self._stranger, None
        if self._hub is None and stranger is None:
            self.unsent += 1
            return
        try:
            if self._hub is not None:
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


Listed: TypeAlias = list[tuple[IPv4Network, int | None]]
"""Networks, and their ports; None: any."""


def resolved(told: tuple[HostAndPort, ...]) -> Listed:
    """Addresses in numbers; raises `NotFoundError`."""
    found: Listed = []
    for host, port in told:
        try:
            found.append((IPv4Network(host if "/" in host else socket.gethostbyname(host), strict=False), port))
        except (OSError, ValueError) as error:
            raise NotFoundError(f"hub address {host}: cannot be resolved ({error}); set `hub_address`") from error
    return found


def is_listed(sender: Address, allowed: Listed) -> bool:
    """Whether a sender is one of those."""
    address = IPv4Address(sender[0])
    return any(address in network and port in (None, sender[1]) for network, port in allowed)


def _listed(hub: HostAndPort | tuple[HostAndPort, ...]) -> Iterator[HostAndPort]:
    """One or several, as several."""
    if len(hub) == 2 and isinstance(hub[0], str):
        yield hub[0], hub[1]
    else:
        yield from hub


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


def parse_hub_address(text: str) -> tuple[HostAndPort, ...]:
    """`host:port`, or `host:*` for any port, several separated by commas; a host may be a network, `10.0.0.0/24`.

    Raises:
        ValueError: none of these.
    """
    found: list[HostAndPort] = []
    for word in text.split(",") if text else ():
        host, star, rest = word.strip().rpartition(":*")
        if star and host and not rest:
            found.append((host, None))
            continue
        address = parse_address(word.strip())
        if address is None or word.strip().startswith(":"):
            raise ValueError(f"expected a hub address as host:port, found {word!r} in {text!r}")
        found.append(address)
    for host, _ in found:
        try:
            if "/" in host:
                IPv4Network(host, strict=False)
        except ValueError as error:
            raise ValueError(f"expected a network such as 192.168.4.0/24, found {host} ({error})") from error
    return tuple(found)


def parse_address(text: str) -> Address | None:
    """`host:port` to an address, `:port` to one of this machine only, an empty text to None.

    Raises:
        ValueError: neither.
    """
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not (host or colon) or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"expected an address as host:port, :port or an empty text, found {text!r}")
    return host or LOOPBACK, int(port)
