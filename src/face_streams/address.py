"""Addresses of streams: `vmc://192.168.1.5:39539?rate=30`, several separated by spaces."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from face_model.livelink_packet import PORT as LIVELINK_PORT
from face_streams.encoders import unified, vmc
from face_streams.errors import AddressError

MOST_STREAMS = 16
HERE = "127.0.0.1"
WEB_PORT = 8765

_RATES: Final = (1.0, 240.0)
_PREFIX = re.compile(r"[A-Za-z0-9_\-]+(/[A-Za-z0-9_\-]+)*/?", re.ASCII)
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?|null", re.ASCII)


@dataclass(frozen=True)
class Scheme:
    """A protocol.

    Attributes:
        port: where its readers listen, or we do.
        rate_hz: most faces a second, unless the address says otherwise.
        keys: what may stand after `?`, beside `rate` and `mapping`.
    """

    port: int
    rate_hz: float
    keys: tuple[str, ...]


SCHEMES: Final = {
    "livelink": Scheme(LIVELINK_PORT, 60.0, ("subject", "device")),
    "vmc": Scheme(vmc.PORT, 60.0, ("case",)),
    "osc": Scheme(unified.PORT, 60.0, ("prefix", "bits")),
    "ws": Scheme(WEB_PORT, 60.0, ("origins",)),
}
_KEYS: Final = ("rate", "mapping")


@dataclass(frozen=True)
class StreamAddress:
    """Where a stream goes, and how.

    Attributes:
        scheme: livelink, vmc, osc or ws.
        host: of the reader; of `ws` where it listens.
        port: likewise.
        rate_hz: most faces a second.
        mapping: name or path of the stream's mapping; empty: the node's.
        options: what else the address says, checked.
    """

    scheme: str
    host: str
    port: int
    rate_hz: float
    mapping: str
    options: dict[str, object]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_streams(text: str) -> tuple[StreamAddress, ...]:
    """Addresses of a text, separated by spaces or commas.

    Raises:
        AddressError: one makes no sense, or two are the same.
    """
    found = tuple(parse_address(word) for word in text.replace(",", " ").split())
    if len(found) > MOST_STREAMS:
        raise AddressError(f"streams: expected at most {MOST_STREAMS}, found {len(found)}; leave some out")
    told: set[tuple[str, int, bool]] = set()
    for address in found:
        place = (address.host, address.port, address.scheme == "ws")
        if place in told:
            raise AddressError(
                f"streams: expected one stream to {address.host}:{address.port}, found two; leave one out or give it "
                "another port"
            )
        told.add(place)
    return found


def parse_address(text: str) -> StreamAddress:
    """One address.

    Raises:
        AddressError: it makes no sense.
    """
    name, separator, _ = text.partition("://")
    if not separator or name not in SCHEMES:
        near = difflib.get_close_matches(name, SCHEMES, 1)
        raise AddressError(
            f"expected a stream such as vmc://127.0.0.1:39539, of {', '.join(SCHEMES)}, found {text!r}; "
            f"{f'did you mean {near[0]}://?' if near else 'correct it'}"
        )
    scheme = SCHEMES[name]
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AddressError(f"{text}: expected HOST:PORT with a port below 65536, found {error}; correct it") from error
    if parts.path not in ("", "/") or parts.fragment or parts.username or port == 0:
        raise AddressError(f"{text}: expected {name}://HOST:PORT?KEY=VALUE and nothing else; correct it")
    host = parts.hostname or HERE
    if name != "ws" and host in ("0.0.0.0", "::"):
        raise AddressError(
            f"{text}: expected the address of the machine that reads, found {host}, which stands for all; give that "
            "machine's own"
        )
    values = _values(text, parts.query, (*_KEYS, *scheme.keys))
    rate_hz = float(str(values.pop("rate", scheme.rate_hz)))
    mapping = str(values.pop("mapping", ""))
    return StreamAddress(name, host, port or scheme.port, rate_hz, mapping, values)


def is_open_to_others(address: StreamAddress) -> bool:
    """Whether other machines than this one may read."""
    try:
        return not ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return address.host != "localhost"


def _values(text: str, query: str, keys: tuple[str, ...]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(keys)}"
            raise AddressError(f"{text}: expected a known key, found {key!r}; {advice}")
        if key in found:
            raise AddressError(f"{text}: expected each key once, found {key} twice; leave one out")
        try:
            found[key] = _CHECKS[key](value)
        except ValueError as error:
            raise AddressError(f"{text}: {key}: expected {error}, found {value!r}; correct it") from error
    return found


def _rate(value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = float("nan")
    if not _RATES[0] <= rate <= _RATES[1]:
        raise ValueError(f"{_RATES[0]:g} to {_RATES[1]:g} faces a second")
    return rate


def _text(value: str) -> str:
    if not value or len(value.encode()) > 64 or not value.isprintable():
        raise ValueError("1 to 64 printable letters")
    return value


def _case(value: str) -> bool:
    if value not in ("lower", "upper"):
        raise ValueError("lower (jawOpen) or upper (JawOpen)")
    return value == "lower"


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value) or len(value) > 64:
        raise ValueError("a path such as FT/")
    return value.rstrip("/") + "/"


def _bits(value: str) -> int:
    if not value.isdecimal() or not value.isascii() or int(value) > unified.MOST_BITS:
        raise ValueError(f"0 to {unified.MOST_BITS} bits")
    return int(value)


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(value.split())  # the query reads + as a space
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("origins of web pages such as http://localhost:3000, separated by +")
    return origins


def _mapping(value: str) -> str:
    if not value:
        raise ValueError("a mapping's name or path")
    return value


_CHECKS: Final[dict[str, Callable[[str], object]]] = {
    "rate": _rate,
    "mapping": _mapping,
    "subject": _text,
    "device": _text,
    "case": _case,
    "prefix": _prefix,
    "bits": _bits,
    "origins": _origins,
}
