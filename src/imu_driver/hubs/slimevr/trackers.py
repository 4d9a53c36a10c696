"""The trackers that were met: who they are, what they sent last, and which sensor of the layout each of theirs is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from face_model.layout import SensorLayout
from imu_driver.hubs.slimevr.packets import OFFLINE, WORKING, part_name

MOST_STRANGERS: Final = 32
"""Trackers of no sensor of the layout that are remembered; what they are called is told to people."""

MOST_SENSORS: Final = 16
"""Sensors of one tracker; the firmware's boards have up to ten."""

GONE_S: Final = 3.0
"""A tracker that was not heard for so long looks for a server anew: the firmware waits as long."""

LOST_TRACK: Final = 20
"""So many datagrams in a row with numbers that were there before: the tracker counts anew."""

MOST_LOST: Final = 10_000
"""A larger gap in the numbers is no loss, but another count."""

LOW_BATTERY: Final = 0.15
"""A tracker with less is named."""

Peer = tuple[str, int]


@dataclass
class TrackerSensor:
    """One IMU of a tracker.

    Attributes:
        part: number of its part.
        state: `OFFLINE`, `WORKING` or `BROKEN`, as the tracker says.
        orientation: the newest, normalised; None before the first.
        told_s: time of the newest orientation that was handed on.
        whole: whether no datagram of the tracker was lost since.
        sends_force: whether an acceleration ever came.
        errors: that the tracker told of.
        temperature_c: degrees Celsius, None where it is not known.
        turning: how much it turned from one orientation to the next, rad, smoothed: by which people find a unit.
    """

    part: int = 0
    state: int = WORKING
    orientation: tuple[float, float, float, float] | None = None
    told_s: float = -1.0
    whole: bool = False
    sends_force: bool = False
    errors: int = 0
    temperature_c: float | None = None
    turning: float = 0.0


@dataclass
class Tracker:
    """One sender.

    Attributes:
        name: its MAC address, or that on the network where it tells none.
        peer: its address on the network.
        firmware: its version.
        sensors: by the tracker's own number.
        number: of the newest datagram, -1 before the first since the handshake.
        before: of the newest datagram before the handshake.
        refused: datagrams in a row that had a number which was there before.
        heard_s: when anything came.
        asked_s: when it was asked for a heartbeat.
        pinged_s: when it was pinged.
        token: of that ping.
        trip_s: shortest round trip; 0 where none is known.
        late_s: how much longer round trips take than that, half of it, smoothed: the jitter of arrivals.
        lost: datagrams, by their numbers.
        battery: 0 to 1, -1 where it is not known.
        signal_dbm: of its radio, 0 where it is not known.
    """

    name: str
    peer: Peer
    firmware: str = ""
    sensors: dict[int, TrackerSensor] = field(default_factory=dict)
    number: int = -1
    before: int = -1
    refused: int = 0
    heard_s: float = 0.0
    asked_s: float = 0.0
    pinged_s: float = 0.0
    token: int = 0
    trip_s: float = 0.0
    late_s: float = 0.0
    lost: int = 0
    battery: float = -1.0
    signal_dbm: int = 0

    def unit(self, sensor: int) -> str:
        """What a layout calls one of its sensors."""
        return f"{self.name}/{sensor}"

    def follow(self, number: int) -> int | None:
        """Take a datagram's number: how many were lost just before it; None: it is old and must be dropped."""
        if number <= self.number:
            self.refused += 1
            if self.refused < LOST_TRACK:
                return None
            self.number = number - 1
        lost = number - self.number - 1
        first = self.number < 0
        self.number, self.refused = number, 0
        if first or lost > MOST_LOST:
            lost = 0
        self.lost += lost
        return lost

    def saved(self) -> dict[str, Any]:
        """As plain values, for `from_saved`."""
        return asdict(self)

    @classmethod
    def from_saved(cls, values: dict[str, Any]) -> Tracker:
        """Of `saved`; raises `TypeError`, `ValueError` or `KeyError` where it is none."""
        sensors = {int(i): TrackerSensor(**one) for i, one in values.pop("sensors").items()}
        host, port = values.pop("peer")
        for sensor in sensors.values():
            if sensor.orientation is not None:
                x, y, z, w = (float(v) for v in sensor.orientation)
                sensor.orientation = x, y, z, w
        return cls(peer=(str(host), int(port)), sensors=sensors, **values)


class Units:
    """Which unit is which sensor of a layout."""

    def __init__(self, layout: SensorLayout) -> None:
        self._layout = layout
        self._index = {normalised_unit(s.unit): i for i, s in enumerate(layout.sensors) if s.unit}
        self._trackers = {unit.rpartition("/")[0] for unit in self._index}

    def index(self, tracker: Tracker, sensor: int) -> int | None:
        """Of a tracker's sensor in the layout; None: it is not in it."""
        return self._index.get(tracker.unit(sensor))

    def wants(self, tracker: str) -> bool:
        """Whether the layout has a unit of this tracker."""
        return tracker in self._trackers

    @property
    def text(self) -> str:
        """All of it, for the number of the layout."""
        return repr(sorted(self._index.items()))

    def unnamed(self) -> list[str]:
        """Sensors of the layout that no unit is named for."""
        return [s.name for s in self._layout.sensors if not s.unit]

    def absent(self, trackers: list[Tracker]) -> list[str]:
        """`name (unit)` of sensors whose unit was not met, or is off."""
        met = {t.unit(i) for t in trackers for i, s in t.sensors.items() if s.state != OFFLINE}
        return [f"{self._layout.sensors[i].name} ({unit})" for unit, i in self._index.items() if unit not in met]

    def strange(self, trackers: list[Tracker]) -> list[str]:
        """`unit (part)` of sensors that were met and are not in the layout."""
        return [
            f"{t.unit(i)} ({part_name(s.part)})"
            for t in trackers
            for i, s in sorted(t.sensors.items())
            if t.unit(i) not in self._index
        ]

    def sensors(self, trackers: list[Tracker]) -> dict[int, tuple[Tracker, TrackerSensor]]:
        """What was met of the layout, by index."""
        return {
            self._index[t.unit(i)]: (t, s) for t in trackers for i, s in t.sensors.items() if t.unit(i) in self._index
        }


def normalised_unit(text: str) -> str:
    """A unit as trackers are called here: lower case, with the number of the sensor, 0 where none is given."""
    name, slash, sensor = text.strip().lower().rpartition("/")
    if not slash:
        name, sensor = sensor, "0"
    return f"{name.replace('-', ':')}/{sensor}"
