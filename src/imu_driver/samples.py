"""Packets to arrays in SI units and layout order, with a verdict on each sensor. No NaN ever leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model.layout import SensorLayout
from imu_driver.orientation import OrientationFilter
from imu_driver.protocol import QUATERNION_SCALE, Hello, Sample, UnitStatus, accel_scale, gyro_scale

# Bits of imusic/ImuFrame.status; a test keeps them equal to the message.
STATUS_VALID: Final = 1
STATUS_ORIENTATION_VALID: Final = 2
STATUS_ORIENTATION_HOST: Final = 4
STATUS_GYRO_SATURATED: Final = 8
STATUS_ACCEL_SATURATED: Final = 16
STATUS_MISSING: Final = 32
STATUS_FAULT: Final = 64

NORM_TOLERANCE: Final = 0.05
"""A quaternion whose norm is off by more is no rotation; rounding to int16 changes the norm by less than 1e-4."""

STUCK_S: Final = 0.5
"""Raw values of gyroscope and accelerometer equal for this long: the noise of a living sensor is several counts."""


@dataclass(frozen=True)
class ImuSamples:
    """All `S` sensors of a layout at one time; the arrays belong to the receiver.

    Attributes:
        status: (S,) uint8, `STATUS_` bits.
        orientation: (S, 4) float32, unit quaternion x, y, z, w, sensor frame to an earth frame with z up; identity
            where it is not valid.
        angular_velocity: (S, 3) float32, rad/s, sensor frame; zero where the sensor is missing or faulty.
        specific_force: (S, 3) float32, m/s2, sensor frame; zero where the sensor is missing or faulty.
    """

    status: NDArray[np.uint8]
    orientation: NDArray[np.float32]
    angular_velocity: NDArray[np.float32]
    specific_force: NDArray[np.float32]


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

_IDENTITY: Final = np.array([0.0, 0.0, 0.0, 1.0], np.float32)


class SampleConverter:
    """Converts the samples of one hub (one HELLO) for one layout.

    Args:
        hello: of the hub; its order of units is the samples' order.
        layout: wanted order.
        rate_hz: sample rate.
        orientation_filter: fuses an orientation where the hub sends none; None leaves it invalid.
    """

    def __init__(
        self, hello: Hello, layout: SensorLayout, rate_hz: float, orientation_filter: OrientationFilter | None = None
    ) -> None:
        position = {sensor.id: i for i, sensor in enumerate(hello.sensors)}
        present = [s.id in position and hello.sensors[position[s.id]].present for s in layout.sensors]
        units = [hello.sensors[position[s.id]] if s.id in position else hello.sensors[0] for s in layout.sensors]
        self._take = np.array([position.get(s.id, 0) for s in layout.sensors], np.intp)
        self._absent = ~np.array(present)
        self._any_absent = bool(self._absent.any())
        self._gyro_scale = gyro_scale([u.gyro_range_dps for u in units]).astype(np.float32)[:, None]
        self._accel_scale = accel_scale([u.accel_range_g for u in units]).astype(np.float32)[:, None]
        self._filter = orientation_filter
        self._stuck_limit = max(2, math.ceil(STUCK_S * rate_hz))
        self._same = np.zeros(len(units), np.int64)
        self._before: NDArray[np.int16] | None = None

    def convert(self, sample: Sample, lost: int = 0) -> ImuSamples:
        """One sample; call in order, because stuck sensors and the host's fusion need the past.

        Args:
            sample: from the hub of `hello`, with gyroscope and accelerometer.
            lost: samples lost just before it.
        """
        gyro, accel = sample.gyro, sample.accel
        if gyro is None or accel is None:
            raise ValueError("expected gyroscope and accelerometer in every sample; the handshake refuses other hubs")
        status = _HUB_STATUS[np.frombuffer(sample.status, np.uint8)[self._take]]
        if self._any_absent:
            status[self._absent] = STATUS_MISSING
        # One gather for both: columns 0-2 gyroscope, 3-5 accelerometer.
        motion = np.concatenate((gyro, accel), axis=1)[self._take]
        self._flag_saturation(motion, status)
        self._flag_impossible(motion, status)
        angular_velocity = motion[:, :3] * self._gyro_scale
        specific_force = motion[:, 3:] * self._accel_scale
        unusable = status & STATUS_VALID == 0
        if np.count_nonzero(unusable):
            angular_velocity[unusable] = 0.0
            specific_force[unusable] = 0.0
        orientation = self._orientation(sample, status, angular_velocity, specific_force, lost)
        return ImuSamples(status, orientation, angular_velocity, specific_force)

    def _flag_saturation(self, motion: NDArray[np.int16], status: NDArray[np.uint8]) -> None:
        """A hub may not notice: counts at the end of int16 are at the end of the range."""
        # x ^ (x >> 15) is x for x >= 0 and -1 - x below, so that both ends become 32767.
        ends = (motion ^ (motion >> 15)) == 32767
        if np.count_nonzero(ends):
            usable = status & STATUS_VALID != 0
            status[ends[:, :3].any(axis=1) & usable] |= STATUS_GYRO_SATURATED
            status[ends[:, 3:].any(axis=1) & usable] |= STATUS_ACCEL_SATURATED

    def _flag_impossible(self, motion: NDArray[np.int16], status: NDArray[np.uint8]) -> None:
        """Stuck values, and no specific force at all (free fall without noise: a bus that reads zeros)."""
        if self._before is not None:
            same = (motion == self._before).all(axis=1)
            self._same += 1
            self._same *= same
        self._before = motion
        impossible = self._same >= self._stuck_limit
        impossible |= ~motion[:, 3:].any(axis=1)
        if np.count_nonzero(impossible):
            _fault(status, impossible)

    def _orientation(
        self,
        sample: Sample,
        status: NDArray[np.uint8],
        angular_velocity: NDArray[np.float32],
        specific_force: NDArray[np.float32],
        lost: int,
    ) -> NDArray[np.float32]:
        counts = sample.quaternion
        if counts is not None:
            orientation = counts[self._take] * np.float32(QUATERNION_SCALE)
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
            bits = STATUS_ORIENTATION_VALID
        elif self._filter is not None:
            usable = status & STATUS_VALID != 0
            orientation = self._filter.update(angular_velocity, specific_force, usable, lost)
            good = usable & np.isfinite(orientation).all(axis=1)
            bits = STATUS_ORIENTATION_VALID | STATUS_ORIENTATION_HOST
        else:
            return np.tile(_IDENTITY, (len(status), 1))
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
