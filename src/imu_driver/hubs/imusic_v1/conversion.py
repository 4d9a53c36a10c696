"""SAMPLE packets to `ImuSample`: SI units, layout order, a verdict on each sensor. No NaN ever leaves the arrays."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model.imu_sample import (
    STATUS_ACCEL_SATURATED,
    STATUS_FAULT,
    STATUS_GYRO_SATURATED,
    STATUS_MISSING,
    STATUS_ORIENTATION_HOST,
    STATUS_ORIENTATION_VALID,
    STATUS_VALID,
    ImuSample,
)
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays, SavedArrays, part_of
from imu_driver.host_fusion import OrientationFilter
from imu_driver.hubs.imusic_v1.agreement import Agreement
from imu_driver.hubs.imusic_v1.protocol import (
    QUATERNION_SCALE,
    Fields,
    Hello,
    Sample,
    UnitStatus,
    accel_scale,
    gyro_scale,
)

NORM_TOLERANCE: Final = 0.05
"""A quaternion whose norm is off by more is no rotation; rounding to int16 changes the norm by less than 1e-4."""

STUCK_S: Final = 0.5
"""Raw values of gyroscope and accelerometer equal for this long: the noise of a living sensor is several counts."""


# The hub's bits to ours, for all 256 values at once.
_HUB_STATUS: Final = np.zeros(256, np.uint8)
for _value in range(256):
    _usable = _value & UnitStatus.OK and not _value & (UnitStatus.FAULT | UnitStatus.MISSING)
    _HUB_STATUS[_value] = (
        (STATUS_VALID if _usable else 0)
        | (STATUS_GYRO_SATURATED if _value & UnitStatus.GYRO_SATURATED else 0)
        | (STATUS_ACCEL_SATURATED if _value & UnitStatus.ACCEL_SATURATED else 0)
        | (STATUS_FAULT if _value & UnitStatus.FAULT else 0)
        | (STATUS_MISSING if _value & UnitStatus.MISSING else 0)
    )

_MOTION_COLUMNS: Final = 8
"""Columns before the quaternion, see `SampleConverter._columns`."""

_INT16: Final = np.dtype("<i2")
_QUATERNION_SCALE: Final = np.float32(QUATERNION_SCALE)
_IDENTITY: Final = np.array([0.0, 0.0, 0.0, 1.0], np.float32)


class SampleConverter:
    """Converts the samples of one hub (one HELLO) for one layout.

    Args:
        hello: of the hub; its order of units is the samples' order.
        layout: wanted order.
        rate_hz: sample rate.
        orientation_filter: fuses an orientation where the hub sends none; None leaves it invalid.
        layout_id: given to every sample.

    Attributes:
        disagreeing: (S,) samples of each sensor that were marked faulty because orientation and rate disagree.
    """

    def __init__(
        self,
        hello: Hello,
        layout: SensorLayout,
        rate_hz: float,
        orientation_filter: OrientationFilter | None = None,
        layout_id: int = 0,
    ) -> None:
        position = {sensor.id: i for i, sensor in enumerate(hello.sensors)}
        present = [s.id in position and hello.sensors[position[s.id]].present for s in layout.sensors]
        units = [hello.sensors[position[s.id]] if s.id in position else hello.sensors[0] for s in layout.sensors]
        self._units = len(hello.sensors)
        self._order = np.array([position.get(s.id, 0) for s in layout.sensors], np.intp)
        self._absent = ~np.array(present)
        self._gyro_scale = gyro_scale([u.gyro_range_dps for u in units]).astype(np.float32)[:, None]
        self._accel_scale = accel_scale([u.accel_range_g for u in units]).astype(np.float32)[:, None]
        self._fields = -1
        self._index: NDArray[np.intp] = np.empty((0, 0), np.intp)
        self._filter = orientation_filter
        self._layout_id = layout_id
        self._stuck_limit = max(2, math.ceil(STUCK_S * rate_hz))
        self._same = np.zeros(len(units), np.int64)
        self._any_same = False
        self._before: NDArray[np.int64] | None = None
        self._agreement = Agreement(len(units), rate_hz)
        self.disagreeing: NDArray[np.int64] = np.zeros(len(units), np.int64)
        self._hub_status: bytes | None = None
        self._status = np.zeros(len(units), np.uint8)

    @property
    def fuses(self) -> bool:
        """Whether it has a filter that fuses orientations."""
        return self._filter is not None

    def go_on_from(self, before: SampleConverter) -> None:
        """Of the same hub and layout, of which another unit answers now: orientations keep their headings."""
        self.disagreeing = before.disagreeing
        if self._filter is not None and before._filter is not None:
            self._filter = before._filter

    def saved_state(self) -> Arrays:
        """As arrays, for `restore_state`."""
        arrays = part_of("agreement", self._agreement.saved_state())
        arrays |= {"same": self._same, "any_same": np.array(self._any_same), "disagreeing": self.disagreeing}
        if self._before is not None:
            arrays["before"] = self._before
        if self._filter is not None:
            arrays["filter"] = self._filter.saved_state()
        return arrays

    def restore_state(self, saved: SavedArrays) -> None:
        """Continue from `saved_state`.

        Raises:
            SnapshotError: damaged, of other sensors, or of a filter that is not installed here.
        """
        count = len(self._same)
        self._agreement.restore_state(saved.part("agreement"))
        self._same = saved.array("same", (count,), "i8")
        self._any_same = saved.flag("any_same")
        self.disagreeing = saved.array("disagreeing", (count,), "i8")
        self._before = None
        if "before" in saved:
            width = (_MOTION_COLUMNS + 4) // 4
            before = saved.array("before", (count, None), "i8", most_rows=width)
            self._before = before if before.shape[1] >= 2 else None
        if "filter" in saved:
            if self._filter is None:
                raise saved.refuse("samples fused by the hub, or the package `vqf`", "neither; `pip install vqf`")
            self._filter.restore_state(saved.array("filter", (count, None), finite=False, most_rows=10_000))
        elif self._filter is not None:
            raise saved.refuse("the state of the fusion of orientations", "none")
        saved.end()

    def convert(
        self,
        sample: Sample,
        lost: int = 0,
        host_time_s: float = math.nan,
        arrival_s: float = math.nan,
        number: int | None = None,
    ) -> ImuSample:
        """One sample; call in order, because stuck sensors and the host's fusion need the past.

        Args:
            sample: from the hub of `hello`, with gyroscope and accelerometer.
            lost: samples lost just before it.
            host_time_s: when it was taken, on the host's monotonic clock.
            arrival_s: when it arrived, on the same clock.
            number: given to the sample instead of the hub's own.
        """
        if sample.fields != self._fields:
            self._index = self._columns(sample.fields)
            self._fields = sample.fields
        status = self._mapped_status(sample.status)
        # All columns of `_columns` at once: at a dozen sensors numpy's cost is the number of calls.
        counts = np.frombuffer(sample.motion, _INT16).take(self._index)
        self._flag_saturation(counts[:, :6], status)
        self._flag_impossible(counts, status)
        values = counts.astype(np.float32)
        angular_velocity = values[:, :3] * self._gyro_scale
        specific_force = values[:, 3:6] * self._accel_scale
        unusable = status & STATUS_VALID == 0
        if np.count_nonzero(unusable):
            angular_velocity[unusable] = 0.0
            specific_force[unusable] = 0.0
        if counts.shape[1] > _MOTION_COLUMNS:
            orientation = self._normalised(values[:, _MOTION_COLUMNS:], status, angular_velocity, specific_force)
            self._flag_disagreement(orientation, status, angular_velocity, specific_force, lost)
        else:
            orientation = self._fused(status, angular_velocity, specific_force, lost)
        return ImuSample(
            self._layout_id,
            sample.sequence if number is None else number,
            1e-6 * sample.hub_time_us,
            status,
            orientation,
            angular_velocity,
            specific_force,
            host_time_s,
            arrival_s,
        )

    def _columns(self, fields: int) -> NDArray[np.intp]:
        """Where the counts of each sensor lie in a sample's motion, (S, 8) or (S, 12).

        Gyroscope, accelerometer, its last two axes again, quaternion: three words of 64 bits, to be compared as such.
        """
        if ~fields & (Fields.GYRO | Fields.ACCEL):
            raise ValueError("expected gyroscope and accelerometer in every sample; the handshake refuses other hubs")
        width = 4 if fields & Fields.QUATERNION else 0
        gyro = width * self._units + 3 * self._order[:, None] + np.arange(3)
        accel = gyro + 3 * self._units
        quaternion = width * self._order[:, None] + np.arange(width)
        return np.concatenate((gyro, accel, accel[:, 1:], quaternion), axis=1)

    def _mapped_status(self, hub_status: bytes) -> NDArray[np.uint8]:
        """(S,) our bits; the hub's hardly ever change from one sample to the next."""
        if hub_status != self._hub_status:
            self._hub_status = hub_status
            self._status = _HUB_STATUS[np.frombuffer(hub_status, np.uint8)[self._order]]
            self._status[self._absent] = STATUS_MISSING
        return self._status.copy()

    def _flag_saturation(self, motion: NDArray[np.int16], status: NDArray[np.uint8]) -> None:
        """A hub may not notice: counts at the end of int16 are at the end of the range."""
        if np.maximum.reduce(motion, axis=None) == 32767 or np.minimum.reduce(motion, axis=None) == -32768:
            ends = (motion == 32767) | (motion == -32768)
            usable = status & STATUS_VALID != 0
            status[ends[:, :3].any(axis=1) & usable] |= STATUS_GYRO_SATURATED
            status[ends[:, 3:].any(axis=1) & usable] |= STATUS_ACCEL_SATURATED

    def _flag_impossible(self, counts: NDArray[np.int16], status: NDArray[np.uint8]) -> None:
        """Stuck values, and no specific force at all (free fall without noise: a bus that reads zeros)."""
        words = counts.view(np.int64)
        before, self._before = self._before, words
        if before is not None:
            same = words[:, 0] == before[:, 0]
            any_same = bool(np.count_nonzero(same))
            if any_same:
                same &= words[:, 1] == before[:, 1]
                self._same += 1
                self._same *= same
            elif self._any_same:
                self._same[:] = 0
            self._any_same = any_same
        stuck = self._any_same and int(self._same.max()) >= self._stuck_limit
        if stuck or np.count_nonzero(words[:, 1]) < len(words):
            _fault(status, (self._same >= self._stuck_limit) | ~counts[:, 3:6].any(axis=1))

    def _flag_disagreement(
        self,
        orientation: NDArray[np.float32],
        status: NDArray[np.uint8],
        angular_velocity: NDArray[np.float32],
        specific_force: NDArray[np.float32],
        lost: int,
    ) -> None:
        """A turn that the gyroscope knows nothing of, or the other way round: what is measured becomes zero."""
        usable = status & STATUS_ORIENTATION_VALID != 0
        off = self._agreement.disagrees(orientation, angular_velocity, usable, lost)
        if np.count_nonzero(off):
            self.disagreeing += off
            _fault(status, off)
            status[off] &= ~np.uint8(STATUS_ORIENTATION_VALID)
            angular_velocity[off] = 0.0
            specific_force[off] = 0.0
            orientation[off] = _IDENTITY

    @staticmethod
    def _normalised(
        counts: NDArray[np.float32],
        status: NDArray[np.uint8],
        angular_velocity: NDArray[np.float32],
        specific_force: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """(S, 4) the hub's quaternions; what is measured becomes zero where they are impossible."""
        orientation = counts * _QUATERNION_SCALE
        norm = np.sqrt((orientation * orientation).sum(axis=1))
        good = status & STATUS_VALID != 0
        off = np.abs(norm - 1.0) > NORM_TOLERANCE
        if np.count_nonzero(off):
            # All zero: the hub has no orientation yet, which is no fault.
            wrong = off & (norm > 0.0)
            _fault(status, wrong)
            angular_velocity[wrong] = 0.0
            specific_force[wrong] = 0.0
            good &= ~off
            norm[off] = 1.0
        orientation /= norm[:, None]
        return _marked(orientation, status, good, STATUS_ORIENTATION_VALID)

    def _fused(
        self,
        status: NDArray[np.uint8],
        angular_velocity: NDArray[np.float32],
        specific_force: NDArray[np.float32],
        lost: int,
    ) -> NDArray[np.float32]:
        """(S, 4) quaternions of the host's own filter, identities without one."""
        if self._filter is None:
            return np.tile(_IDENTITY, (len(status), 1))
        usable = status & STATUS_VALID != 0
        orientation = self._filter.update(angular_velocity, specific_force, usable, lost)
        good = usable & np.isfinite(orientation).all(axis=1)
        return _marked(orientation, status, good, STATUS_ORIENTATION_VALID | STATUS_ORIENTATION_HOST)


def _marked(
    orientation: NDArray[np.float32], status: NDArray[np.uint8], good: NDArray[np.bool_], bits: int
) -> NDArray[np.float32]:
    """Set `bits` where the orientation is good, and make it the identity elsewhere."""
    if np.count_nonzero(good) == len(good):
        status |= bits
    else:
        status[good] |= bits
        orientation[~good] = _IDENTITY
    return orientation


def _fault(status: NDArray[np.uint8], where: NDArray[np.bool_]) -> None:
    """Mark sensors that are there, but whose values are impossible."""
    where = where & (status & STATUS_VALID != 0)
    status[where] = (status[where] & ~np.uint8(STATUS_VALID)) | STATUS_FAULT
