"""The lines to hubs that the driver's parameters name: a serial or a UDP port for each. Opens none, knows no ROS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from face_model.errors import ImusicError
from imu_driver.hub_key import HubKeyError, load_key
from imu_driver.hubs import INTRODUCTIONS, MANY_SENDERS, sealed
from imu_driver.serial_finder import AUTO, FoundSerialTransport
from imu_driver.serial_port import SerialTransport
from imu_driver.transport import Transport
from imu_driver.udp import UdpTransport
from imu_driver.udp_addresses import parse_address, parse_hub_address
from imu_driver.udp_senders import UdpSendersTransport


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


def make_lines(value: Callable[[str], Any]) -> list[Line]:
    """A line for each hub that is expected, with the key that it needs.

    Args:
        value: of one of the driver's parameters, by its name.

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
    return [Line(_with_key(make(value, place, name), value), name) for place, name in zip(places, names, strict=True)]


def _serial_transport(value: Callable[[str], Any], port: str, name: str) -> Transport:
    kind, baud = str(value("hub")), int(value("baud"))
    if port != AUTO:
        return SerialTransport(port, baud)
    if kind not in INTRODUCTIONS:
        raise LineError(f"port: a hub of kind {kind} cannot be found by itself; set its port")
    return FoundSerialTransport(baud, INTRODUCTIONS[kind], name)


def _udp_transport(value: Callable[[str], Any], place: str, _: str) -> Transport:
    many = str(value("hub")) in MANY_SENDERS
    try:
        bound = parse_address(place)
        senders = parse_hub_address(str(value("hub_address")))
    except ValueError as error:
        raise LineError(f"udp, hub_address: {error}") from error
    assert bound is not None
    return UdpSendersTransport(*bound, senders) if many else UdpTransport(*bound, senders)


def _with_key(transport: Transport, value: Callable[[str], Any]) -> Transport:
    """A transport that lets nobody through who has not the key, if one is set."""
    file = str(value("key_file"))
    if not file:
        return transport
    try:
        return sealed(str(value("hub")), transport, load_key(file))
    except (HubKeyError, ValueError) as error:
        raise LineError(f"key_file: {error}") from error


def _parts(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
