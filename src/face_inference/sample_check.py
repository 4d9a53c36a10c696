"""Samples that contradict themselves are not used: a sensor at the end of its range, an orientation that leaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model.imu_sample import STATUS_ACCEL_SATURATED, STATUS_GYRO_SATURATED
from face_model.saved_arrays import Arrays, SavedArrays

STATUS_SATURATED = STATUS_GYRO_SATURATED | STATUS_ACCEL_SATURATED


@dataclass(frozen=True)
class CheckParams:
    """How far the turn between two samples may be from what their angular velocities say.

    Attributes:
        share: of the faster of both angular velocities, by which it may turn more or less.
        change_rad_s: what it may have turned faster or slower between them; heads and skin change by less in 10 ms, and
            in 250 ms this allows for any pose.
        slack_rad: what the fusion of orientations may correct at once, and noise.
        settled_s: a new orientation that agrees with itself for so long is believed: the fusion began anew.
    """

    share: float = 0.5
    change_rad_s: float = 3.0
    slack_rad: float = 0.05
    settled_s: float = 0.5


class SampleCheck:
    """Follows `S` sensors; one call for each sample, in order of time."""

    def __init__(self, sensors: int, params: CheckParams | None = None) -> None:
        self.params = params or CheckParams()
        self._sensors = sensors
        self.reset()

    def reset(self) -> None:
        """Believe the next sample: it has no predecessor."""
        count = self._sensors
        # The last sample that was believed, and the last one of all, each with its time.
        self._good, self._last = np.zeros((count, 4)), np.zeros((count, 4))
        self._good_rate, self._last_rate = np.zeros(count), np.zeros(count)
        self._good_s, self._last_s = np.full(count, -np.inf), np.full(count, -np.inf)
        self._agreeing_since_s = np.full(count, np.inf)

    def saved_state(self) -> Arrays:
        """What is remembered, as arrays, for `restore_state`."""
        return {
            "orientation": np.stack([self._good, self._last]),
            "rate": np.stack([self._good_rate, self._last_rate]),
            "time_s": np.stack([self._good_s, self._last_s, self._agreeing_since_s]),
        }

    def restore_state(self, saved: SavedArrays) -> None:
        """Continue from `saved_state`.

        Raises:
            SnapshotError: it is damaged, or of other sensors; nothing has changed then.
        """
        count = self._sensors
        # Not all finite: what was never seen was seen at minus infinity.
        orientation = saved.array("orientation", (2, count, 4), finite=False)
        rate = saved.array("rate", (2, count), finite=False)
        time_s = saved.array("time_s", (3, count), finite=False)
        saved.end()
        (self._good, self._last), (self._good_rate, self._last_rate) = orientation, rate
        self._good_s, self._last_s, self._agreeing_since_s = time_s

    def usable(
        self,
        time_s: float,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        status: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """`valid` (S,) without the samples that contradict themselves or their predecessors.

        Args:
            time_s: on the hub's clock.
            orientation: (S, 4) unit quaternions.
            angular_velocity: (S, 3) rad/s.
            status: (S,) `STATUS_` bits.
            valid: (S,).
        """
        if (time_s < self._last_s).any():
            self.reset()  # the clock stepped back: elapsed times are not known
        saturated = (status & STATUS_SATURATED) != 0
        if saturated.any():
            valid = valid & ~saturated
        with np.errstate(all="ignore"):  # what is not finite compares false, and is masked
            wide = np.asarray(orientation, dtype=np.float64)
            rate = np.sqrt(np.square(np.asarray(angular_velocity, dtype=np.float64)).sum(axis=-1))
            if not valid.all():  # of what cannot be used nothing is remembered
                wide = np.where(valid[:, None], wide, self._last)
                rate = np.where(valid, rate, self._last_rate)
            steady, far_enough = self._bounds(time_s - self._last_s, self._last, self._last_rate, wide, rate)
            not_too_far = steady
            if self._good is not self._last:  # as long as all is well they are the same
                not_too_far, _ = self._bounds(time_s - self._good_s, self._good, self._good_rate, wide, rate)
        # From the last believed sample it cannot have turned further; since the last one of all, which is nearer, not
        # less: after a leap that one is wrong, but it is never too near.
        agrees = not_too_far & far_enough
        if agrees.all() and valid.all():
            self._last = self._good = wide
            self._last_rate = self._good_rate = rate
            self._last_s = self._good_s = np.full(self._sensors, time_s)
            self._agreeing_since_s.fill(np.inf)
            return valid
        return self._sort_out(time_s, wide, rate, valid, agrees, steady & far_enough)

    def _sort_out(
        self,
        time_s: float,
        wide: NDArray[np.float64],
        rate: NDArray[np.float64],
        valid: NDArray[np.bool_],
        agrees: NDArray[np.bool_],
        steady: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        told = valid & np.isfinite(wide).all(axis=-1) & np.isfinite(rate)  # only that is worth remembering
        since_s = np.where(steady, np.minimum(self._agreeing_since_s, time_s), np.inf)
        settled = time_s - since_s >= self.params.settled_s
        usable: NDArray[np.bool_] = valid & (agrees | settled)
        self._agreeing_since_s = np.where(usable, np.inf, np.where(valid, since_s, self._agreeing_since_s))
        self._good = np.where(usable[:, None], wide, self._good)
        self._good_rate = np.where(usable, rate, self._good_rate)
        self._good_s = np.where(usable, time_s, self._good_s)
        self._last = np.where(told[:, None], wide, self._last)
        self._last_rate = np.where(told, rate, self._last_rate)
        self._last_s = np.where(told, time_s, self._last_s)
        return usable

    def _bounds(
        self,
        elapsed_s: NDArray[np.float64],
        before: NDArray[np.float64],
        rate_before: NDArray[np.float64],
        now: NDArray[np.float64],
        rate_now: NDArray[np.float64],
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each sensor turned no further, and no less, than its angular velocities say."""
        p = self.params
        cosine = np.abs(np.einsum("si,si->s", before, now))
        turned = 2.0 * np.arccos(np.minimum(cosine, 1.0))
        allowed = p.slack_rad + p.change_rad_s * elapsed_s
        most = (1.0 + p.share) * np.maximum(rate_before, rate_now) * elapsed_s + allowed
        least = (1.0 - p.share) * np.minimum(rate_before, rate_now) * elapsed_s - allowed
        first = elapsed_s == np.inf
        # Beyond half a turn an angle says nothing of how far it was.
        return first | (turned <= most), first | (turned >= np.where(most < np.pi, least, 0.0))
