"""Readings of units that send when they like, as frames of all sensors at one time and a fixed rate. No ROS, no clock.

A hub reads its units together; trackers and topics come one by one. The estimator needs all units at one moment, since
it reads the skin relative to the skull: a head that turns at 2 rad/s makes a skull reading that is 10 ms older than the
skin's look like 20 mrad of skin, where a raised brow turns its unit by 30 to 70 mrad. So the newest values of all units
side by side are no frame. Between the two ways out this module takes the one that fits faces:

- A frame of time T is made as soon as every unit that is alive has a reading of T or later, and then interpolates: at
  100 Hz, 2 rad/s and 30 rad/s2 that leaves under 1 mrad, and no more latency than one period of the units.
- It is made at T + `wait_s` at the latest, whoever is late. A unit that is late by then has its last orientation turned
  on by its angular velocity (2 mrad after 10 ms), for `predict_s` at most; its rates and forces stay for as long.
- A unit without a reading for longer is marked missing in that frame, with zeros: no value is older than `predict_s`.

Interpolation over a gap would make up a face that nobody measured, so gaps of more than `gap_s` are left open, too.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_model.imu_sample import (
    STATUS_ACCEL_SATURATED,
    STATUS_FAULT,
    STATUS_GYRO_SATURATED,
    STATUS_MISSING,
    STATUS_ORIENTATION_VALID,
    STATUS_VALID,
    ImuSample,
)
from face_model.saved_arrays import Arrays, SavedArrays
from imu_driver.plain_rotation import Values, gravity, turn, turned_on
from imu_driver.reading_values import (
    DERIVED,
    FORCE,
    MOST_RATE_RAD_S,
    ORIENTATION,
    RATE,
    WIDTH,
    Entry,
    believable,
    nearer,
    value_at,
)

HISTORY: Final = 64
"""Readings kept of each unit and kind; the oldest are dropped."""

_FLAGS: Final = STATUS_GYRO_SATURATED | STATUS_ACCEL_SATURATED | STATUS_FAULT
_IDENTITY: Final = np.array([0.0, 0.0, 0.0, 1.0], np.float32)


@dataclass(frozen=True)
class AssemblerParams:
    """When a frame is made, and what may be in it, s.

    Attributes:
        wait_s: longest time that a frame waits for units that are late: one and a half periods of 100 Hz.
        predict_s: a unit is used for this long after its newest reading.
        gap_s: readings further apart are not interpolated between.
        alive_s: a unit that sent nothing for this long is not waited for.
        derive_after_s: rates and forces are derived from the orientations where none was measured for this long.
        baseline_s: shortest time over which a rate is derived: readings that a network delivered together are no rate.
        ahead_s: a reading this much newer than now has a wrong time.
        catch_up_s: frames of at most so long are made at once; after a longer pause the others are left out.
    """

    wait_s: float = 0.015
    predict_s: float = 0.025
    gap_s: float = 0.06
    alive_s: float = 0.06
    derive_after_s: float = 1.0
    baseline_s: float = 0.015
    ahead_s: float = 0.005
    catch_up_s: float = 0.5

    def for_period(self, period_s: float) -> AssemblerParams:
        """The same for units of which the slowest sends once in `period_s`."""
        return replace(
            self,
            wait_s=max(self.wait_s, 1.25 * period_s),
            predict_s=max(self.predict_s, 1.5 * period_s),
            gap_s=max(self.gap_s, 2.5 * period_s),
            alive_s=max(self.alive_s, 2.5 * period_s),
        )


class Reading(NamedTuple):
    """What one unit measured at one time; each of the three may come alone.

    Attributes:
        sensor: index in the layout.
        time_s: when, on the host's monotonic clock.
        orientation: unit quaternion x, y, z, w, unit's axes to an earth frame with z up.
        angular_velocity: x, y, z, rad/s, unit's axes.
        specific_force: x, y, z, m/s2, unit's axes.
        flags: `STATUS_` bits of saturation and fault.
    """

    sensor: int
    time_s: float
    orientation: Sequence[float] | None = None
    angular_velocity: Sequence[float] | None = None
    specific_force: Sequence[float] | None = None
    flags: int = 0


@dataclass
class AssemblerCounts:
    """What happened so far.

    Attributes:
        readings: taken.
        late: dropped because the same unit sent newer ones of the kind, or this one, before.
        ahead: dropped because their time has not come yet.
        impossible: dropped because of their values.
        frames: made.
        skipped: frames left out because nobody asked for so long.
        predicted: times that a unit was late and its newest reading was used.
        missing: times that a unit which once sent was missing in a frame.
    """

    readings: int = 0
    late: int = 0
    ahead: int = 0
    impossible: int = 0
    frames: int = 0
    skipped: int = 0
    predicted: int = 0
    missing: int = 0


class FrameAssembler:
    """Frames of `sensors` units; memory is bounded, times are those of the caller.

    Frames have the times of a grid that begins with the first reading, and their number there as `sequence`: where no
    unit is alive no frame is made, and the numbers go on with the time. `hub_time_s` is `host_time_s`.

    A unit that sends orientations but no rates has rates derived from them (their change over `baseline_s` or the next
    longer time, a moment of half of that ago); one that sends no forces has gravity alone. See `derived`.

    Args:
        sensors: how many.
        rate_hz: of the frames.
        layout_id: given to every frame; may be changed.
        params: see there.

    Attributes:
        counts: what happened so far.
    """

    def __init__(self, sensors: int, rate_hz: float, layout_id: int = 0, params: AssemblerParams | None = None) -> None:
        self.layout_id = layout_id
        self.params = params or AssemblerParams()
        self.counts = AssemblerCounts()
        self._period_s = 1.0 / rate_hz
        self._units = [[deque[Entry](maxlen=HISTORY) for _ in WIDTH] for _ in range(sensors)]
        self._heard_s = [-math.inf] * sensors
        self._origin_s = math.nan
        self._next = 0

    @property
    def newest_s(self) -> tuple[float, ...]:
        """(S,) time of each unit's newest reading; minus infinity before the first."""
        return tuple(self._heard_s)

    def derived(self, sensor: int) -> tuple[bool, bool]:
        """Whether this unit's rates are derived from its orientations, and its forces are gravity alone."""
        unit, now_s = self._units[sensor], self._heard_s[sensor]
        alive = bool(unit[ORIENTATION])
        return alive and not self._measured(unit[RATE], now_s), alive and not self._measured(unit[FORCE], now_s)

    def add(self, reading: Reading, now_s: float) -> bool:
        """Take a reading that came by `now_s`; whether anything of it is used."""
        counts, time_s = self.counts, reading.time_s
        if not math.isfinite(time_s):
            counts.impossible += 1
            return False
        if time_s > now_s + self.params.ahead_s:
            counts.ahead += 1
            return False
        unit, flags = self._units[reading.sensor], reading.flags & _FLAGS
        used = False
        for kind, given in (
            (ORIENTATION, reading.orientation),
            (RATE, reading.angular_velocity),
            (FORCE, reading.specific_force),
        ):
            if given is None:
                continue
            values = believable(kind, given)
            if values is None:
                counts.impossible += 1
            elif unit[kind] and time_s <= unit[kind][-1][0]:
                counts.late += 1
            else:
                if kind == ORIENTATION:
                    values = nearer(values, unit[kind])
                    self._derive(unit, time_s, values, flags)
                unit[kind].append((time_s, values, flags))
                used = True
        if used:
            counts.readings += 1
            self._heard_s[reading.sensor] = max(self._heard_s[reading.sensor], time_s)
            if math.isnan(self._origin_s):
                self._origin_s = time_s
        return used

    def frames(self, now_s: float) -> list[ImuSample]:
        """The frames that are due, in order of time; `arrival_s` is `now_s`."""
        made: list[ImuSample] = []
        if math.isnan(self._origin_s):
            return made
        params = self.params
        behind = math.floor((now_s - params.catch_up_s - self._time(self._next)) / self._period_s)
        if behind > 0:
            if max(self._heard_s) >= self._time(self._next):
                self.counts.skipped += behind
            self._next += behind
        awaited_s = self._awaited_s(now_s)
        while (time_s := self._time(self._next)) <= now_s:
            if awaited_s < time_s and now_s < time_s + params.wait_s:
                break
            frame = self._frame(time_s, now_s)
            if frame is not None:
                made.append(frame)
            elif awaited_s == math.inf and now_s < time_s + params.wait_s:
                break  # nobody is alive: the next reading may be of this time
            self._next += 1
        return made

    def has_due(self, now_s: float) -> bool:
        """Whether `frames` would make, pass over or leave out a frame: its time has come, and nothing is waited for."""
        time_s = self._time(self._next)  # NaN before the first reading
        if not time_s <= now_s:
            return False
        return now_s >= time_s + self.params.wait_s or self._awaited_s(now_s) >= time_s

    def forget(self, sensor: int) -> None:
        """A unit began anew, or is another: nothing is interpolated from what it sent before."""
        for channel in self._units[sensor]:
            channel.clear()
        self._heard_s[sensor] = -math.inf

    def _awaited_s(self, now_s: float) -> float:
        """Newest reading of the unit that is furthest behind, of those that are alive; infinity where none is."""
        alive_s = now_s - self.params.alive_s
        return min((heard_s for heard_s in self._heard_s if heard_s >= alive_s), default=math.inf)

    def _time(self, number: int) -> float:
        return self._origin_s + number * self._period_s

    def _measured(self, channel: deque[Entry], time_s: float) -> bool:
        return bool(channel) and channel[-1][0] >= time_s - self.params.derive_after_s

    def _derive(self, unit: list[deque[Entry]], time_s: float, orientation: Values, flags: int) -> None:
        """A rate from this orientation and an earlier one, for the moment between them, where none is measured."""
        if self._measured(unit[RATE], time_s):
            return
        for before_s, before, _ in reversed(unit[ORIENTATION]):
            span_s = time_s - before_s
            if span_s > self.params.gap_s:
                return
            if span_s >= self.params.baseline_s:
                rate = tuple(v / span_s for v in turn(before, orientation))
                if math.hypot(*rate) <= MOST_RATE_RAD_S:
                    unit[DERIVED].append((time_s - 0.5 * span_s, rate, flags))
                return

    def _frame(self, time_s: float, now_s: float) -> ImuSample | None:
        """None where no unit has anything to say of this time."""
        count = len(self._units)
        status = np.full(count, STATUS_MISSING, np.uint8)
        orientation = np.tile(_IDENTITY, (count, 1))
        rate, force = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
        alive = False
        for i, unit in enumerate(self._units):
            if self._heard_s[i] == -math.inf:
                continue
            bits = self._unit_at(unit, time_s, orientation[i], rate[i], force[i])
            if bits:
                status[i] = bits
                alive = True
            else:
                self.counts.missing += 1
        if not alive:
            return None
        self.counts.frames += 1
        return ImuSample(
            self.layout_id, self._next % (1 << 32), time_s, status, orientation, rate, force, time_s, now_s
        )

    def _unit_at(
        self,
        unit: list[deque[Entry]],
        time_s: float,
        orientation: NDArray[np.float32],
        rate: NDArray[np.float32],
        force: NDArray[np.float32],
    ) -> int:
        """Fill one unit's part of a frame; its status, 0 where it is missing."""
        gap_s, predict_s = self.params.gap_s, self.params.predict_s
        turned = value_at(unit[ORIENTATION], time_s, gap_s, predict_s)
        kind = RATE if self._measured(unit[RATE], time_s) else DERIVED
        moving = value_at(unit[kind], time_s, gap_s, predict_s)
        if turned is None and kind == DERIVED:
            return 0
        if moving is None and kind == DERIVED:
            moving = 0.0, (0.0, 0.0, 0.0), 0  # it has only begun
        pushed = value_at(unit[FORCE], time_s, gap_s, predict_s)
        if pushed is None and turned is not None and not self._measured(unit[FORCE], time_s):
            pushed = 0.0, gravity(turned[1]), 0
        if moving is None or pushed is None:
            return 0
        flags = moving[2] | pushed[2] | (turned[2] if turned is not None else 0)
        if flags & STATUS_FAULT:
            return flags
        rate[:], force[:] = moving[1], pushed[1]
        if turned is None:
            return flags | STATUS_VALID
        late_s, quaternion, _ = turned
        if late_s > 0.0:
            self.counts.predicted += 1
            quaternion = turned_on(quaternion, moving[1], late_s)
        norm = math.hypot(*quaternion)
        orientation[:] = [v / norm for v in quaternion]
        return flags | STATUS_VALID | STATUS_ORIENTATION_VALID

    def saved_state(self) -> Arrays:
        """All that decides the frames to come, as arrays."""
        count = len(self._units)
        used = np.zeros((count, 4), np.int64)
        times = np.zeros((count, 4, HISTORY))
        values = np.zeros((count, 4, HISTORY, 4))
        flags = np.zeros((count, 4, HISTORY), np.int64)
        for i, unit in enumerate(self._units):
            for k, channel in enumerate(unit):
                used[i, k] = len(channel)
                for n, (time_s, numbers, bits) in enumerate(channel):
                    times[i, k, n], flags[i, k, n] = time_s, bits
                    values[i, k, n, : len(numbers)] = numbers
        numbers_of = [getattr(self.counts, f.name) for f in fields(self.counts)]
        return {
            "used": used,
            "times": times,
            "values": values,
            "flags": flags,
            "heard": np.array(self._heard_s),
            "grid": np.array([self._origin_s, float(self._next)]),
            "counts": np.array(numbers_of, np.int64),
        }

    def restore_state(self, saved: SavedArrays) -> None:
        """Continue from `saved_state`; rate and parameters must be the same.

        Raises:
            SnapshotError: damaged, or of other sensors; nothing has changed then.
        """
        count = len(self._units)
        used = saved.array("used", (count, 4), "i8")
        times = saved.array("times", (count, 4, HISTORY))
        values = saved.array("values", (count, 4, HISTORY, 4))
        flags = saved.array("flags", (count, 4, HISTORY), "i8")
        heard = saved.array("heard", (count,), finite=False)
        grid = saved.array("grid", (2,), finite=False)
        counts = saved.array("counts", (len(fields(self.counts)),), "i8")
        saved.end()
        if (used < 0).any() or (used > HISTORY).any() or np.isnan(heard).any() or not 0.0 <= grid[1] < 2.0**53:
            raise saved.refuse(f"at most {HISTORY} readings of a kind, and times", "others")
        for i in range(count):
            for k, width in enumerate(WIDTH):
                self._units[i][k] = deque(
                    (
                        (float(times[i, k, n]), tuple(values[i, k, n, :width].tolist()), int(flags[i, k, n]) & _FLAGS)
                        for n in range(used[i, k])
                    ),
                    maxlen=HISTORY,
                )
        self._heard_s = heard.tolist()
        self._origin_s, self._next = float(grid[0]), int(grid[1])
        self.counts = AssemblerCounts(*counts.tolist())
