"""UDP addresses in words and in numbers: where to listen, and who may send."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network
from typing import Final, TypeAlias

from imu_driver.transport import NotFoundError

Address: TypeAlias = tuple[str, int]

LOOPBACK: Final = "127.0.0.1"
"""What is heard where no host is named: this machine only."""

HostAndPort: TypeAlias = tuple[str, int | None]
"""None: any port."""

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
