"""What can go wrong with a hub and its units, on demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imu_driver.protocol import UnitStatus
from imu_sim.errors import SimulatorConfigError
from imu_sim.motion import Floats
from imu_sim.stream import Frames


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
        drop: probability that a frame is lost on its way.
        corrupt: probability that one byte of a frame arrives changed.
        garbage_rate_hz: bursts of random bytes per second.
        stall_at_s: when the hub falls silent, s after START; None: never.
        stall_s: how long it is silent, s.
        reboot_at_s: when the hub reboots (once), s after START; None: never.
        missing: units that HELLO lists as not present.
        unlisted: units that HELLO does not list at all.
        wrong_version: the hub speaks another protocol version.
        no_quaternion: the hub does not fuse orientation.
    """

    begin_s: float = 0.0
    dead: tuple[str, ...] = ()
    faulty: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    saturated: tuple[str, ...] = ()
    spike_rate_hz: float = 0.0
    drop: float = 0.0
    corrupt: float = 0.0
    garbage_rate_hz: float = 0.0
    stall_at_s: float | None = None
    stall_s: float = 1.0
    reboot_at_s: float | None = None
    missing: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    wrong_version: bool = False
    no_quaternion: bool = False

    def check(self, names: tuple[str, ...]) -> None:
        """Check that every named unit is in the layout.

        Raises:
            SimulatorConfigError: a name is not one of `names`, no unit would be left, or a number is out of its range.
        """
        for field in ("dead", "faulty", "frozen", "saturated", "missing", "unlisted"):
            unknown = [name for name in getattr(self, field) if name not in names]
            if unknown:
                raise SimulatorConfigError(
                    f"fault {field}: expected sensors of the layout ({', '.join(names)}), found {', '.join(unknown)}"
                )
        if len(set(self.unlisted)) == len(names):
            raise SimulatorConfigError("fault unlisted: expected to leave one unit at least, found all of them")
        for field in ("drop", "corrupt"):
            if not 0.0 <= getattr(self, field) <= 1.0:
                raise SimulatorConfigError(f"fault {field}: expected 0 to 1, found {getattr(self, field)}")
        for field in ("begin_s", "spike_rate_hz", "garbage_rate_hz", "stall_s"):
            if not getattr(self, field) >= 0.0:
                raise SimulatorConfigError(f"fault {field}: expected 0 or more, found {getattr(self, field)}")

    def stalled(self, since_start_s: float) -> bool:
        """Whether the hub is silent at this time."""
        return self.stall_at_s is not None and self.stall_at_s <= since_start_s < self.stall_at_s + self.stall_s


_SHAKE = 40.0
"""A unit that is `saturated` feels this many times its own motion: more than any range."""


@dataclass(frozen=True)
class UnitFrame:
    """One sample of all units as the hub sends it: orientation (S, 4), gyro (S, 3), accel (S, 3), status (S,)."""

    orientation: Floats
    angular_velocity: Floats
    specific_force: Floats
    status: np.ndarray


class FaultInjector:
    """Applies `Faults` to samples and to bytes; the dice come from one seeded generator."""

    def __init__(
        self, faults: Faults, names: tuple[str, ...], ranges: tuple[float, float], rng: np.random.Generator
    ) -> None:
        faults.check(names)
        self.faults = faults
        self._ranges = ranges
        self._rng = rng
        self._held: UnitFrame | None = None
        self._masks = {
            field: np.array([name in getattr(faults, field) for name in names])
            for field in ("dead", "faulty", "frozen", "saturated", "missing")
        }

    def frame(self, frames: Frames, index: int, since_start_s: float, rate_hz: float) -> UnitFrame:
        """Sample `index` of `frames` with the faults of units."""
        gyro, accel = frames.angular_velocity[index].copy(), frames.specific_force[index].copy()
        orientation = frames.orientation[index].copy()
        over_gyro, over_accel = frames.gyro_saturated[index].copy(), frames.accel_saturated[index].copy()
        gone, faulty = self._masks["missing"].copy(), np.zeros(len(gyro), dtype=bool)
        if since_start_s >= self.faults.begin_s:
            gone |= self._masks["dead"]
            faulty |= self._masks["faulty"]
            shaken = self._masks["saturated"]
            if shaken.any():
                sign = np.where(gyro[shaken] < 0.0, -1.0, 1.0)
                gyro[shaken] = sign * self._ranges[0]
                accel[shaken] = np.clip(_SHAKE * accel[shaken], -self._ranges[1], self._ranges[1])
                over_gyro |= shaken
                over_accel |= shaken
            self._spike(gyro, accel, rate_hz)
        silent = gone | faulty
        for values in (orientation, gyro, accel):
            values[silent] = 0.0
        status = np.where(silent, 0, int(UnitStatus.OK))
        status |= np.where(gone, int(UnitStatus.MISSING), 0) | np.where(faulty & ~gone, int(UnitStatus.FAULT), 0)
        status |= np.where(over_gyro & ~silent, int(UnitStatus.GYRO_SATURATED), 0)
        status |= np.where(over_accel & ~silent, int(UnitStatus.ACCEL_SATURATED), 0)
        return self._freeze(UnitFrame(orientation, gyro, accel, status.astype(np.uint8)), since_start_s)

    def _spike(self, gyro: Floats, accel: Floats, rate_hz: float) -> None:
        if self.faults.spike_rate_hz <= 0.0:
            return
        hit = self._rng.random(len(gyro)) < self.faults.spike_rate_hz / rate_hz
        for values, most in ((gyro, self._ranges[0]), (accel, self._ranges[1])):
            values[hit] = self._rng.uniform(-0.98, 0.98, (int(hit.sum()), 3)) * most

    def _freeze(self, frame: UnitFrame, since_start_s: float) -> UnitFrame:
        frozen = self._masks["frozen"]
        if not frozen.any() or since_start_s < self.faults.begin_s:
            return frame
        if self._held is None:
            self._held = frame
            return frame
        for name in ("orientation", "angular_velocity", "specific_force"):
            getattr(frame, name)[frozen] = getattr(self._held, name)[frozen]
        return frame

    def thaw(self) -> None:
        """Forget held values, when a stream starts anew."""
        self._held = None

    def garbage(self, rate_hz: float) -> bytes:
        """A burst of random bytes now and then, else nothing."""
        if self.faults.garbage_rate_hz > 0.0 and self._rng.random() < self.faults.garbage_rate_hz / rate_hz:
            return self._rng.bytes(int(self._rng.integers(1, 600)))
        return b""

    def line(self, frame: bytes) -> bytes:
        """A frame as it arrives: whole, with a changed byte, or not at all (empty)."""
        if self.faults.drop > 0.0 and self._rng.random() < self.faults.drop:
            return b""
        if self.faults.corrupt > 0.0 and self._rng.random() < self.faults.corrupt:
            spoilt = bytearray(frame)
            at = int(self._rng.integers(0, len(spoilt)))
            spoilt[at] ^= int(self._rng.integers(1, 256))
            return bytes(spoilt)
        return frame
