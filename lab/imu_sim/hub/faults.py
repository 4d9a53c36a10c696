"""What can go wrong with a hub and its units, on demand."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from imu_driver.hubs.imusic_v1.protocol import UnitStatus
from imu_sim.errors import SimulatorConfigError
from imu_sim.imu_stream import Frames
from imu_sim.motion import Floats


@dataclass(frozen=True)
class Faults:
    """Faults of the simulated hub; the default has none. Sensors are named as in the layout.

    Attributes:
        begin_s: faults below begin this long after START, s of motion time.
        dead: units that stop answering: status missing, values zero.
        faulty: units that answer but report a fault: status fault, values zero.
        frozen: units whose values stay as they were, with status ok: the hub does not notice.
        saturated: units that are shaken beyond their range.
        spike_rate_hz: impossible single values, per unit and second.
        drop: share of the samples that are lost on their way.
        burst: how many are lost in a row, on average; 1: whether one is lost does not depend on the one before.
        duplicate: probability that a sample arrives twice.
        reorder: probability that a sample arrives after the next one.
        corrupt: probability that one byte of a sample's frame arrives changed.
        garbage_rate_hz: bursts of random bytes per second.
        stall_at_s: when the hub falls silent, s after START; None: never.
        stall_s: how long it is silent, s.
        reboot_at_s: when the hub reboots (once), s after START; None: never.
        slow_start_s: how long the hub is silent after each boot, s.
        clock_step_at_s: when its clock is set (once), s after START; None: never.
        clock_step_s: how far ahead it is set then, s; less than 0: back.
        skew_ppm: how much faster its clock runs, parts per million; None: as the settings say.
        jitter_s: mean delay of a frame on its way out, s; None: as the settings say.
        missing: units that HELLO lists as not present.
        unlisted: units that HELLO does not list at all.
        wrong_version: the hub speaks another protocol version.
        no_quaternion: the hub does not fuse orientation.
        exchanged: units whose wires were exchanged, in pairs: the first with the second, the third with the fourth.
    """

    begin_s: float = 0.0
    dead: tuple[str, ...] = ()
    faulty: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    saturated: tuple[str, ...] = ()
    spike_rate_hz: float = 0.0
    drop: float = 0.0
    burst: float = 1.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    garbage_rate_hz: float = 0.0
    stall_at_s: float | None = None
    stall_s: float = 1.0
    reboot_at_s: float | None = None
    slow_start_s: float = 0.0
    clock_step_at_s: float | None = None
    clock_step_s: float = 1.0
    skew_ppm: float | None = None
    jitter_s: float | None = None
    missing: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    wrong_version: bool = False
    no_quaternion: bool = False
    exchanged: tuple[str, ...] = ()

    def check(self, names: tuple[str, ...]) -> None:
        """Check that every named unit is in the layout.

        Raises:
            SimulatorConfigError: a name is not one of `names`, no unit would be left, or a number is out of its range.
        """
        for field in ("dead", "faulty", "frozen", "saturated", "missing", "unlisted", "exchanged"):
            unknown = [name for name in getattr(self, field) if name not in names]
            if unknown:
                raise SimulatorConfigError(
                    f"fault {field}: expected sensors of the layout ({', '.join(names)}), found {', '.join(unknown)}"
                )
        if len(set(self.unlisted)) == len(names):
            raise SimulatorConfigError("fault unlisted: expected to leave one unit at least, found all of them")
        for field, (least, most) in _RANGES.items():
            value = getattr(self, field)
            if value is not None and not least <= value <= most:
                raise SimulatorConfigError(f"fault {field}: expected {least:g} to {most:g}, found {value:g}")
        if len(self.exchanged) % 2 or len(set(self.exchanged)) != len(self.exchanged):
            raise SimulatorConfigError(
                f"fault exchanged: expected pairs of different units, found {', '.join(self.exchanged)}"
            )

    def stalled(self, since_start_s: float) -> bool:
        """Whether the hub is silent at this time."""
        return self.stall_at_s is not None and self.stall_at_s <= since_start_s < self.stall_at_s + self.stall_s


_LONGEST_S = 1e7
_RANGES = {
    "drop": (0.0, 1.0),
    "burst": (1.0, 1e4),
    "duplicate": (0.0, 1.0),
    "reorder": (0.0, 1.0),
    "corrupt": (0.0, 1.0),
    "begin_s": (0.0, _LONGEST_S),
    "spike_rate_hz": (0.0, 1e4),
    "garbage_rate_hz": (0.0, 1e4),
    "stall_at_s": (0.0, _LONGEST_S),
    "stall_s": (0.0, _LONGEST_S),
    "reboot_at_s": (0.0, _LONGEST_S),
    "slow_start_s": (0.0, _LONGEST_S),
    "clock_step_at_s": (0.0, _LONGEST_S),
    "clock_step_s": (-_LONGEST_S, _LONGEST_S),
    "skew_ppm": (-1e5, 1e5),
    "jitter_s": (0.0, 1.0),
}
"""Least and most of what is a number."""

_SHAKE = 40.0
"""A unit that is `saturated` feels this many times its own specific force: more than any range."""


@dataclass(frozen=True)
class UnitFrames:
    """`N` samples of `S` units as the hub sends them.

    Attributes:
        orientation: (N, S, 4).
        angular_velocity: (N, S, 3) rad/s.
        specific_force: (N, S, 3) m/s2.
        status: (N, S) bits of `UnitStatus`.
    """

    orientation: Floats
    angular_velocity: Floats
    specific_force: Floats
    status: NDArray[np.uint8]


class FaultInjector:
    """Applies `Faults` to samples and to bytes; the dice come from one seeded generator.

    Attributes:
        overtaken: frames that are still on their way and arrive after the next one.

    Args:
        faults: what goes wrong.
        names: sensors in layout order.
        ranges: full scale of gyroscope in rad/s and accelerometer in m/s2.
        rng: for spikes, losses and garbage.

    Raises:
        SimulatorConfigError: the faults do not fit the layout.
    """

    def __init__(
        self, faults: Faults, names: tuple[str, ...], ranges: tuple[float, float], rng: np.random.Generator
    ) -> None:
        faults.check(names)
        self.faults = faults
        self._ranges = ranges
        self._rng = rng
        self._held: tuple[Floats, Floats, Floats] | None = None
        self._losing = False
        self.overtaken: list[bytes] = []
        self._order = None
        if faults.exchanged:
            self._order = np.arange(len(names))
            pairs = [names.index(name) for name in faults.exchanged]
            self._order[pairs[::2]], self._order[pairs[1::2]] = pairs[1::2], pairs[::2]
        self._masks = {
            field: np.array([name in getattr(faults, field) for name in names])
            for field in ("dead", "faulty", "frozen", "saturated", "missing")
        }

    def apply(self, frames: Frames, since_start_s: Floats, rate_hz: float) -> UnitFrames:
        """Samples taken `since_start_s` (N,) seconds after START, with the faults of units."""
        begun = since_start_s[:, None] >= self.faults.begin_s
        if self._order is not None:
            frames = Frames(*(getattr(frames, each.name)[:, self._order] for each in fields(Frames)))
        over_gyro, over_accel = frames.gyro_saturated, frames.accel_saturated
        values = (frames.orientation, frames.angular_velocity, frames.specific_force)
        shaken = self._masks["saturated"] & begun
        if shaken.any() or self._masks["frozen"].any() or self.faults.spike_rate_hz > 0.0:
            values = (values[0].copy(), values[1].copy(), values[2].copy())
            self._shake(values, shaken)
            over_gyro, over_accel = over_gyro | shaken, over_accel | shaken
            self._spike(values, begun, rate_hz)
            self._freeze(values, begun[:, 0])
        gone = self._masks["missing"] | (self._masks["dead"] & begun)
        silent = gone | (self._masks["faulty"] & begun)
        if silent.any():
            values = (
                np.where(silent[..., None], 0.0, values[0]),
                np.where(silent[..., None], 0.0, values[1]),
                np.where(silent[..., None], 0.0, values[2]),
            )
        good = (
            int(UnitStatus.OK)
            + int(UnitStatus.GYRO_SATURATED) * over_gyro
            + int(UnitStatus.ACCEL_SATURATED) * over_accel
        )
        bad = np.where(gone, int(UnitStatus.MISSING), int(UnitStatus.FAULT))
        return UnitFrames(*values, status=np.where(silent, bad, good).astype(np.uint8))

    def _shake(self, values: tuple[Floats, Floats, Floats], shaken: NDArray[np.bool_]) -> None:
        _, gyro, accel = values
        gyro[shaken] = np.where(gyro[shaken] < 0.0, -1.0, 1.0) * self._ranges[0]
        accel[shaken] = np.clip(_SHAKE * accel[shaken], -self._ranges[1], self._ranges[1])

    def _spike(self, values: tuple[Floats, Floats, Floats], begun: NDArray[np.bool_], rate_hz: float) -> None:
        if self.faults.spike_rate_hz <= 0.0:
            return
        shape = values[1].shape[:2]
        hit = (self._rng.random(shape) < self.faults.spike_rate_hz / rate_hz) & begun
        for signal, most in zip(values[1:], self._ranges, strict=True):
            signal[hit] = self._rng.uniform(-0.98, 0.98, (int(hit.sum()), 3)) * most

    def _freeze(self, values: tuple[Floats, Floats, Floats], begun: NDArray[np.bool_]) -> None:
        frozen = np.flatnonzero(self._masks["frozen"])
        if not len(frozen) or not begun.any():
            return
        if self._held is None:
            first = int(np.argmax(begun))
            self._held = (values[0][first, frozen], values[1][first, frozen], values[2][first, frozen])
        for signal, held in zip(values, self._held, strict=True):
            signal[np.ix_(begun, frozen)] = held

    def thaw(self) -> None:
        """Forget held values, when a stream starts anew."""
        self._held = None

    def garbage(self, rate_hz: float) -> bytes:
        """A burst of random bytes now and then, else nothing."""
        if self.faults.garbage_rate_hz > 0.0 and self._rng.random() < self.faults.garbage_rate_hz / rate_hz:
            return self._rng.bytes(int(self._rng.integers(1, 600)))
        return b""

    def line(self, frame: bytes) -> list[bytes]:
        """What arrives when a frame is sent: it, changed, twice or not at all, and then those that it overtook."""
        late, self.overtaken = self.overtaken, []
        if self._lost():
            return late
        if self.faults.corrupt > 0.0 and self._rng.random() < self.faults.corrupt:
            spoilt = bytearray(frame)
            at = int(self._rng.integers(0, len(spoilt)))
            spoilt[at] ^= int(self._rng.integers(1, 256))
            frame = bytes(spoilt)
        arriving = [frame]
        if self.faults.duplicate > 0.0 and self._rng.random() < self.faults.duplicate:
            arriving.append(frame)
        if self.faults.reorder > 0.0 and self._rng.random() < self.faults.reorder:
            self.overtaken = arriving
            return late
        return arriving + late

    def _lost(self) -> bool:
        """Whether the next frame is; losses come in bursts whose lengths are geometric (E. N. Gilbert, 1960)."""
        drop, burst = self.faults.drop, self.faults.burst
        if drop <= 0.0:
            return False
        if drop >= 1.0:
            return True
        ends = 1.0 / max(burst, drop / (1.0 - drop), 1.0)
        begins = drop * ends / (1.0 - drop)
        if burst == 1.0 and drop < 0.5:
            self._losing = bool(self._rng.random() < drop)
        else:
            self._losing = bool(self._rng.random() < (1.0 - ends if self._losing else begins))
        return self._losing
