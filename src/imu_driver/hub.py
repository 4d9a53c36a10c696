"""What a hub is to the driver, whatever protocol it speaks. Nothing here knows a protocol, ROS or a thread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Protocol, runtime_checkable

from face_model.imu_sample import ImuSample
from face_model.saved_arrays import Arrays

FROM_HUB: Final = 0
"""A piece that was read; empty where nothing came in time, which a clock map learns from, too."""
TO_HUB: Final = 1
"""A piece that was sent."""
LINE: Final = 2
"""Something that happened to the connection or was asked of it, as one of the following texts."""

JOINED: Final = 3
"""Samples of several hubs became frames: a byte for each that was taken, in order, which says of which hub it was."""

OPENED: Final = b"opened"
LOST: Final = b"lost "
IDENTIFY: Final = b"identify "
STREAMING: Final = b"streaming "
GYRO_BIAS: Final = b"gyro bias "
"""It was opened, it was lost (and why), a unit was to blink (its number), samples were
to be started or stopped (1 or 0), biases were told to the driver's own fusion (`gyro_bias_text`)."""


class Tap(Protocol):
    """Told of each piece in the order of the line."""

    def __call__(self, what: int, time_s: float, data: bytes, hub: int = 0, /) -> object:
        """The next piece.

        Args:
            what: `FROM_HUB`, `TO_HUB`, `LINE` or `JOINED`.
            time_s: that the hub's code took for it, on the host's monotonic clock.
            data: its bytes.
            hub: which one of several hubs on one face, from 0.
        """
        ...


class ConnectionState(Enum):
    """How far the connection to a hub is.

    Attributes:
        DISCONNECTED: the transport is closed; it is opened again by itself.
        CONNECTING: the transport is open, no samples flow yet, or none any more.
        CONNECTED: samples flow, or streaming is switched off and the hub agreed.
        ERROR: the hub answers, but cannot be used as it is; `Hub.problem` says why.
        ENDED: a recording was read to its end, or cannot be read on; nothing will ever follow.
    """

    DISCONNECTED = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    ERROR = auto()
    ENDED = auto()


@dataclass(frozen=True)
class HubSensor:
    """One unit as the hub describes it.

    Attributes:
        id: number of the unit on the hub; what a layout calls it by.
        place: where it sits, as the hub says: a sensor's name in a layout; empty if the hub does not know.
        part: sensor part, e.g. `QMI8658`.
        present: whether the hub finds the unit on its bus.
        gyro_range_rad_s: largest measurable angular velocity, rad/s.
        accel_range_m_s2: largest measurable specific force, m/s2.
    """

    id: int
    place: str
    part: str
    present: bool
    gyro_range_rad_s: float
    accel_range_m_s2: float


@dataclass(frozen=True)
class HubIdentity:
    """Who a hub is and what it sends.

    Attributes:
        name: of the hub.
        firmware: its version.
        sensors: units, in the hub's own order.
        rate_hz: samples per second that are asked of it.
        sends_orientation: whether the hub fuses orientation; where it does not, the driver does.
    """

    name: str
    firmware: str
    sensors: tuple[HubSensor, ...]
    rate_hz: int
    sends_orientation: bool


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        ok: the hub did it, or will do it once it is connected.
        answered: the hub answered at all.
        message: why not, and what to do; empty on success.
    """

    ok: bool
    answered: bool
    message: str


@dataclass(frozen=True)
class HubFigures:
    """What happened since the hub was made, for diagnostics. A hub leaves at its default what it cannot count.

    Attributes:
        asked_rate_hz: samples per second that are asked of the hub, or will be.
        samples: handed on.
        lost: missing between them, by the hub's count.
        out_of_order: dropped because they were old or repeated.
        stale: dropped because they belonged to no stream that was asked for.
        untimed: dropped because the time at which they were taken was in doubt.
        connections: times that samples began to flow.
        reboots: of the hub.
        watchdog: times that samples stopped without a word.
        disagreeing: samples of each sensor, in layout order, marked faulty because orientation and rate disagree.
        sensor_lost: samples of each sensor, in layout order, lost on its own way, where each has one.
        sensor_rate_hz: samples per second that each sensor sends, where each has a rate of its own.
        sensor_temperature_c: of each sensor, degrees Celsius, where the protocol tells it; NaN for one that does not.
        rejected: received pieces that could not be used, by reason.
        last_reject: the newest of them, for people; empty before the first.
        foreign_datagrams: dropped because somebody else sent them.
        clock_skew_ppm: how much faster the host's clock runs than the hub's, parts per million.
        clock_residual_s: how late samples arrive beyond the earliest possible, smoothed.
        clock_round_trip_s: shortest recent round trip, None where none is known.
        clock_resets: times that the hub's clock was mapped anew.
        more: what only hubs of this kind can tell, by names for diagnostics.
    """

    asked_rate_hz: int = 0
    samples: int = 0
    lost: int = 0
    out_of_order: int = 0
    stale: int = 0
    untimed: int = 0
    connections: int = 0
    reboots: int = 0
    watchdog: int = 0
    disagreeing: tuple[int, ...] = ()
    sensor_lost: tuple[int, ...] = ()
    sensor_rate_hz: tuple[float, ...] = ()
    sensor_temperature_c: tuple[float, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    last_reject: str = ""
    foreign_datagrams: int = 0
    clock_skew_ppm: float = 0.0
    clock_residual_s: float = 0.0
    clock_round_trip_s: float | None = None
    clock_resets: int = 0
    more: Mapping[str, object] = field(default_factory=dict)


class Hub(Protocol):
    """One hub, from its transport to samples in SI units; `hubs.make_hub` makes one by its kind.

    `step` and `close` belong to one thread; all else may be called from any.
    """

    @property
    def description(self) -> str:
        """Where the hub is, for people."""
        ...

    @property
    def state(self) -> ConnectionState:
        """How far the connection is."""
        ...

    @property
    def problem(self) -> str:
        """Why no samples flow, and what to do; empty while CONNECTED."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What is wrong with a hub that is in use all the same, each with what to do; empty if nothing is."""
        ...

    @property
    def streaming(self) -> bool:
        """Whether samples are wanted."""
        ...

    @property
    def identity(self) -> HubIdentity | None:
        """Of the hub that was met last, None before the first; the same object as long as nothing in it changes."""
        ...

    @property
    def layout_id(self) -> int:
        """What `ImuSample.layout_id` is: the same number for the same layout on the same hub in every run; else 0."""
        ...

    def figures(self) -> HubFigures:
        """What happened so far."""
        ...

    def step(self) -> Sequence[ImuSample]:
        """Do what is due and return the samples that arrived meanwhile; to be called again and again.

        Waits 20 ms at most and raises nothing for what hub or transport do: they show in `state` and `problem`. Samples
        come in order, complete: sensors in layout order, SI units, `STATUS_` bits, `host_time_s` strictly increasing.
        """
        ...

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Blink one unit's light; done in a later `step`."""
        ...

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Start or stop the samples; done in a later `step`, remembered, and asked again of whichever hub comes."""
        ...

    def close(self) -> None:
        """Ask the hub to stop, as far as it can hear, close the transport, end what waits; may be called twice."""
        ...


@dataclass(frozen=True)
class GyroBias:
    """Of one unit.

    Attributes:
        bias_rad_s: (x, y, z) in the sensor's axes.
        deviation_rad_s: its standard deviation.
    """

    bias_rad_s: tuple[float, float, float]
    deviation_rad_s: float


def gyro_bias_text(known: Mapping[int, GyroBias]) -> bytes:
    """Biases by the units' numbers, as they stand in `GYRO_BIAS`."""
    return json.dumps({str(i): [*bias.bias_rad_s, bias.deviation_rad_s] for i, bias in known.items()}).encode()


def gyro_bias_from(text: bytes) -> dict[int, GyroBias]:
    """What `gyro_bias_text` wrote; raises `ValueError` for anything else."""
    try:
        return {
            int(i): GyroBias((float(x), float(y), float(z)), float(d)) for i, (x, y, z, d) in json.loads(text).items()
        }
    except (TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no biases: {error}") from error


@runtime_checkable
class FusingHub(Protocol):
    """A hub for which the driver may have to fuse orientations, and then learns gyroscope biases."""

    def gyro_bias(self) -> Mapping[int, GyroBias]:
        """By the units' numbers; empty while the driver fuses nothing."""
        ...

    def use_gyro_bias(self, known: Mapping[int, GyroBias]) -> None:
        """Let the fusion go on from these; from any thread."""
        ...


@runtime_checkable
class RecordableHub(Hub, Protocol):
    """A hub whose samples follow from what its tap was told and from a saved state; `replay.HubReplay` computes them.

    All of it belongs to the thread that steps.
    """

    tap: Tap | None
    """Told of each piece."""

    @property
    def quiet(self) -> bool:
        """Whether the state can be saved now, as where no command waits for its answer; asked after each step."""
        ...

    def saved_state(self) -> Arrays:
        """All that decides the samples to come, as arrays."""
        ...


@runtime_checkable
class ReplayableHub(RecordableHub, Protocol):
    """One that is itself what a replay runs."""

    def restore_state(self, arrays: Arrays) -> None:
        """Continue from `saved_state`.

        Raises:
            SnapshotError: damaged, or of another hub or layout; nothing has changed then.
        """
        ...
