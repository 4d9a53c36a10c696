"""The lines to hubs that the driver's parameters name: a serial or a UDP port for each. Opens none, knows no ROS."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from face_model.errors import ImusicError
from imu_driver.hub_key import HubKeyError, load_key
from imu_driver.hubs import INTRODUCTIONS, MANY_SENDERS, SEALED_LINES, sealed
from imu_driver.serial_finder import AUTO, FoundCheckedTransport, FoundSerialTransport
from imu_driver.serial_port import SerialTransport
from imu_driver.transport import CheckedTransport, Transport
from imu_driver.udp import UdpTransport
from imu_driver.udp_addresses import parse_address, parse_hub_address
from imu_driver.udp_senders import UdpSendersTransport

Value: TypeAlias = Callable[[str], Any]
"""Of one of the driver's parameters, by its name."""

Check: TypeAlias = Callable[[Transport], CheckedTransport]
"""Lets only what a hub sealed through."""


class LineError(ImusicError):
    """The parameters name no line, or one that cannot be."""


class Line(NamedTuple):
    """One line.

    Attributes:
        transport: not opened yet.
        name: of the only hub that is wanted there; empty: any.
    """

    transport: Transport
    name: str = ""


def make_lines(value: Value) -> list[Line]:
    """A line for each hub that is expected, with the key that it needs.

    Args:
        value: of the driver's parameters.

    Raises:
        LineError: parameters that contradict one another, a wrong address, or a key that cannot be read.
    """
    kind, udp, port = str(value("hub")), str(value("udp")), str(value("port"))
    many = kind in MANY_SENDERS
    places = _parts(udp or MANY_SENDERS.get(kind, "")) or _parts(port)
    if not places:
        raise LineError("expected a serial port in `port` or HOST:PORT in `udp`, found neither")
    names = _parts(str(value("hub_id")))
    if places == [AUTO]:
        places = [AUTO] * max(1, len(names))  # each name is looked for
    if len(places) > 1 and many:
        raise LineError(f"udp: hubs of kind {kind} share one port, found {len(places)}")
    if names and len(names) != len(places):
        raise LineError(f"hub_id: expected a name for each of {len(places)} hubs, found {len(names)}")
    names = names or [""] * len(places)
    make = _udp_transport if udp or many else _serial_transport
    every = zip(places, names, _checks(value, len(places)), strict=True)
    return [Line(make(value, place, name, check), name) for place, name, check in every]


def _serial_transport(value: Value, port: str, name: str, check: Check | None) -> Transport:
    kind, baud = str(value("hub")), int(value("baud"))
    if port != AUTO:
        line = SerialTransport(port, baud)
        return line if check is None else check(line)
    if kind not in INTRODUCTIONS:
        raise LineError(f"port: a hub of kind {kind} cannot be found by itself; set its port")
    introduction = INTRODUCTIONS[kind]
    if check is None:
        return FoundSerialTransport(baud, introduction, name)
    # A hub that has a key says its name to nobody without: each port that may be its is asked with the key.
    return FoundCheckedTransport(baud, introduction, check, name)


def _udp_transport(value: Value, place: str, _: str, check: Check | None) -> Transport:
    many = str(value("hub")) in MANY_SENDERS
    try:
        bound = parse_address(place)
        senders = parse_hub_address(str(value("hub_address")))
    except ValueError as error:
        raise LineError(f"udp, hub_address: {error}") from error
    assert bound is not None
    line = UdpSendersTransport(*bound, senders) if many else UdpTransport(*bound, senders)
    return line if check is None else check(line)


def _checks(value: Value, count: int) -> list[Check | None]:
    """For each of several hubs what lets nobody through who has not its key, if one is set."""
    files = _parts(str(value("key_file")))
    if not files:
        return [None] * count
    if len(files) not in (1, count):
        raise LineError(f"key_file: expected one file, or one for each of {count} hubs, found {len(files)}")
    kind = str(value("hub"))
    if kind not in SEALED_LINES:
        raise LineError(f"key_file: hubs of kind {kind} have no keys, only {', '.join(SEALED_LINES)}")
    try:
        keys = [load_key(file) for file in files]
    except HubKeyError as error:
        raise LineError(f"key_file: {error}") from error
    return [partial(sealed, kind, key=key) for key in (keys if len(keys) == count else keys * count)]


def _parts(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
