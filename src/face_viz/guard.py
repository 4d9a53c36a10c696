"""Who may talk to the page: this machine, or people who typed its address; never a page of another site."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence

HOST_HEADER = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?", re.ASCII)
"""`Host` as browsers send it, https://www.rfc-editor.org/rfc/rfc9110#field.host; zone ids are not sent."""

PRIVATE_DOMAINS = ("local", "lan", "home.arpa", "internal")
"""Nobody can register a name in these on the Internet, so a name in them is given by the local network."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`, an address or a name.

    The address is parsed: `127.evil.example` is a name that anybody may own.
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is not None and address.is_loopback


def refusal(served: str, hosts: Sequence[str], origins: Sequence[str], site: str = "") -> str | None:
    """Why a request is refused, in one line; None if it may pass.

    A page of another site may not read the face through the visitor's browser: neither by a name of its own that
    resolves to this machine (DNS rebinding), nor by opening the WebSocket across origins.

    Args:
        served: address that the page is served on.
        hosts: every `Host` header of the request.
        origins: every `Origin` header; a browser sends one with each WebSocket, a program need not.
        site: header `Sec-Fetch-Site`, https://www.w3.org/TR/fetch-metadata/; empty if there is none.
    """
    match = HOST_HEADER.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if match is None:
        return f"expected one header Host with an address, found {list(hosts)}"
    host = match[1] or match[2]
    if is_loopback(served):
        if not is_loopback(host):
            return f"expected to be addressed as 127.0.0.1 or localhost, found {host}"
    elif _address(host) is None and not _is_own_name(host, served):
        return f"expected to be addressed by an IP address or as {socket.gethostname()}, found {host}"
    if len(origins) > 1 or any(_without_scheme(origin) != hosts[0].lower() for origin in origins):
        return f"expected a page of {hosts[0]}, found one of {', '.join(origins)}"
    if site in {"cross-site", "same-site"} and not origins:
        return f"expected a page of {hosts[0]}, found one of another site"
    return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_own_name(host: str, served: str) -> bool:
    """Whether a name is this machine's own, as far as no stranger on the Internet can own the same."""
    name = host.lower().rstrip(".")
    own = socket.gethostname().lower()
    short = own.partition(".")[0]
    known = {"localhost", own, short, served.lower(), *(f"{short}.{domain}" for domain in PRIVATE_DOMAINS)}
    return name in known


def _without_scheme(origin: str) -> str:
    scheme, found, rest = origin.lower().partition("://")
    return rest if found and scheme in {"http", "https"} else ""
