"""HELLO: who the hub is, and what it has against what the layout expects, all of it at once."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from face_model.frames import GRAVITY_M_S2
from face_model.layout import SensorLayout
from imu_driver.hub import HubIdentity, HubSensor
from imu_driver.hubs.imusic_v1.protocol import Fields, Hello


@dataclass(frozen=True)
class HandshakeReport:
    """Differences between a HELLO and a layout; units are matched by id.

    Attributes:
        matched: units of the layout that the hub has, present or not.
        missing: `name (id)` in the layout, unknown to the hub.
        silent: `name (id)` known to the hub, but not answering on its bus.
        unknown: `place (id)` on the hub, not in the layout; their data is not used.
        misnamed: (id, expected name, found place).
        no_motion: whether the hub sends no gyroscope or no accelerometer, without which nothing can be used.
        impossible: numbers in HELLO that no hub can mean, in words; with any of them nothing it says is relied on.
    """

    matched: int
    missing: tuple[str, ...]
    silent: tuple[str, ...]
    unknown: tuple[str, ...]
    misnamed: tuple[tuple[int, str, str], ...]
    no_motion: bool
    impossible: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether anything can be measured."""
        return self.matched > len(self.silent) and not self.no_motion and not self.impossible

    @property
    def complete(self) -> bool:
        """Whether hub and layout agree."""
        return self.usable and not (self.missing or self.silent or self.unknown or self.misnamed)

    @property
    def summary(self) -> str:
        """One line for people: what was expected and found, and what to do; empty if all agree."""
        parts = []
        if self.impossible:
            parts.append(f"HELLO tells of {', '.join(self.impossible)}: correct the hub's firmware")
        if self.no_motion:
            parts.append("the hub sends no gyroscope or no accelerometer: switch both on in its firmware")
        if self.missing:
            parts.append(f"expected but unknown to the hub: {', '.join(self.missing)}")
        if self.silent:
            parts.append(f"not answering, check their cables: {', '.join(self.silent)}")
        if self.unknown:
            parts.append(f"on the hub but not in the layout, unused: {', '.join(self.unknown)}")
        if self.misnamed:
            pairs = (f"id {i} expected {expected}, found {found}" for i, expected, found in self.misnamed)
            parts.append(f"other place than the layout says, correct the layout or the hub: {', '.join(pairs)}")
        return "; ".join(parts)


def compare(hello: Hello, layout: SensorLayout) -> HandshakeReport:
    """Compare what the hub has with what the layout expects."""
    on_hub = {sensor.id: sensor for sensor in hello.sensors}
    expected = {sensor.id: sensor.name for sensor in layout.sensors}
    matched = [i for i in expected if i in on_hub]
    return HandshakeReport(
        matched=len(matched),
        missing=tuple(f"{name} ({i})" for i, name in expected.items() if i not in on_hub),
        silent=tuple(f"{expected[i]} ({i})" for i in matched if not on_hub[i].present),
        unknown=tuple(f"{printable(s.place) or 'unnamed'} ({s.id})" for s in hello.sensors if s.id not in expected),
        misnamed=tuple(
            (i, expected[i], printable(on_hub[i].place))
            for i in matched
            if on_hub[i].place and on_hub[i].place != expected[i]
        ),
        no_motion=not (hello.fields & Fields.GYRO and hello.fields & Fields.ACCEL),
        impossible=tuple(_impossible(hello)),
    )


def printable(text: str) -> str:
    """Text of a hub as it can stand in a line of a log: whatever does not print becomes a question mark."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _impossible(hello: Hello) -> Iterator[str]:
    """A unit that does not answer may not know its ranges; all else has to be possible."""
    if not hello.rate_hz:
        yield "a rate of 0 Hz"
    if not hello.max_rate_hz:
        yield "a highest rate of 0 Hz"
    for sensor in hello.sensors:
        unit = f"unit {sensor.id} ({printable(sensor.place) or 'unnamed'})"
        if sensor.present and not sensor.gyro_range_dps:
            yield f"a gyroscope range of 0 of {unit}"
        if sensor.present and not sensor.accel_range_g:
            yield f"an accelerometer range of 0 of {unit}"


def identity_of(hello: Hello, rate_hz: int) -> HubIdentity:
    """Who the hub is, without what may change while it stays the same hub; `rate_hz` is what is asked of it."""
    sensors = tuple(
        HubSensor(
            s.id,
            printable(s.place),
            printable(s.part),
            s.present,
            math.radians(s.gyro_range_dps),
            GRAVITY_M_S2 * s.accel_range_g,
        )
        for s in hello.sensors
    )
    orientation = bool(hello.fields & Fields.QUATERNION)
    return HubIdentity(printable(hello.hub), printable(hello.firmware), sensors, rate_hz, orientation)


def layout_id(layout: SensorLayout, hello: Hello) -> int:
    """The same number for the same layout on the same hub, in every run, so that recordings agree with themselves.

    Whether a unit answers at present, and what is known of it only then, changes nothing of who sits where.
    """
    units = tuple((sensor.id, sensor.place) for sensor in hello.sensors)
    return zlib.crc32(repr((layout, hello.hub, hello.firmware, hello.fields, units)).encode())


def same_units(hello: Hello, other: Hello) -> bool:
    """Whether samples of both hold the same units and fields; some may be present in one of them only."""
    return hello.fields == other.fields and [s.id for s in hello.sensors] == [s.id for s in other.sensors]


def absent_units(hello: Hello) -> tuple[int, ...]:
    """Where in a sample those units stand that did not answer when the hub said so."""
    return tuple(i for i, sensor in enumerate(hello.sensors) if not sensor.present)


def silence(datagrams: bool, received: int) -> str:
    """What is said where no HELLO came, and what to do; `received` bytes came, in datagrams or on a line."""
    if datagrams:
        found = f"{received} bytes without a valid packet" if received else "silence"
        return (
            f"expected HELLO, found {found}; check that the hub is powered, that it sends to this address and port, "
            "and that no firewall is between"
        )
    if received:
        return (
            f"expected HELLO, found {received} bytes without a valid packet; check that this is the hub and that the "
            "baud rate is the hub's"
        )
    return "expected HELLO, found silence; check that the hub is powered and on this line"
