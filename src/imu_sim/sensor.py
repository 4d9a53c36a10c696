"""The errors of a QMI8658-class IMU, as a stream.

Noise densities, ranges: QMI8658A datasheet (QST Corporation, rev. A), table of gyroscope and accelerometer
characteristics: 15 mdps/sqrt(Hz), 200 ug/sqrt(Hz), selectable ranges. Biases are guesses for boards whose zero offset
was removed once at the factory; they drift with temperature afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model.frames import GRAVITY_M_S2
from imu_sim.motion import Floats


@dataclass(frozen=True)
class SensorModel:
    """Parameters of the errors; the defaults are a QMI8658A.

    Attributes:
        gyro_noise_rad_s_rthz: white noise density, rad/s/sqrt(Hz) (datasheet).
        accel_noise_m_s2_rthz: white noise density, m/s2/sqrt(Hz) (datasheet).
        gyro_bias_rad_s: standard deviation of the constant bias on each axis, rad/s (a guess: 0.3 deg/s).
        accel_bias_m_s2: the same for the accelerometer, m/s2 (a guess: 10 mg).
        gyro_walk_rad_s_rts: bias random walk, rad/s/sqrt(s) (a guess: 0.1 deg/s in ten minutes).
        gyro_gain: standard deviation of the relative gain error of each axis (a guess).
        accel_gain: the same for the accelerometer (a guess).
        gyro_range_dps: full scale, degrees per second; must be a range of the part.
        accel_range_g: full scale, standard gravities.
        part: name reported in the hub's hello.
    """

    gyro_noise_rad_s_rthz: float = float(np.deg2rad(0.015))
    accel_noise_m_s2_rthz: float = 200e-6 * GRAVITY_M_S2
    gyro_bias_rad_s: float = float(np.deg2rad(0.3))
    accel_bias_m_s2: float = 0.010 * GRAVITY_M_S2
    gyro_walk_rad_s_rts: float = float(np.deg2rad(0.1 / 600.0**0.5))
    gyro_gain: float = 0.003
    accel_gain: float = 0.002
    gyro_range_dps: int = 1024
    accel_range_g: int = 8
    part: str = "QMI8658"

    @property
    def gyro_range_rad_s(self) -> float:
        """Full scale of the gyroscope, rad/s."""
        return float(np.deg2rad(self.gyro_range_dps))

    @property
    def accel_range_m_s2(self) -> float:
        """Full scale of the accelerometer, m/s2."""
        return self.accel_range_g * GRAVITY_M_S2


def perfect_sensor() -> SensorModel:
    """No noise, no bias, no gain error; only the ranges remain."""
    return SensorModel(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Measured:
    """Noisy signals of `S` sensors at `N` times.

    Attributes:
        angular_velocity: (N, S, 3) rad/s.
        specific_force: (N, S, 3) m/s2.
        gyro_saturated: (N, S) whether an axis is at the end of its range.
        accel_saturated: (N, S) the same for the accelerometer.
    """

    angular_velocity: Floats
    specific_force: Floats
    gyro_saturated: NDArray[np.bool_]
    accel_saturated: NDArray[np.bool_]


class SensorBank:
    """`sensors` IMUs with errors of their own, sampled at `rate_hz`.

    The noise is drawn sample by sample from one generator, so that any split of the stream into chunks gives the same
    values.
    """

    def __init__(self, model: SensorModel, sensors: int, rate_hz: float, rng: np.random.Generator) -> None:
        self.model = model
        self._rng = rng
        self._sensors = sensors
        shape = (2, sensors, 3)
        bias = np.array([model.gyro_bias_rad_s, model.accel_bias_m_s2])[:, None, None]
        gain = np.array([model.gyro_gain, model.accel_gain])[:, None, None]
        self._bias = bias * rng.standard_normal(shape)
        self._gain = 1.0 + gain * rng.standard_normal(shape)
        # White noise of density d in a bandwidth of half the rate has the deviation d sqrt(rate / 2).
        self._gyro_sigma = model.gyro_noise_rad_s_rthz * np.sqrt(rate_hz / 2.0)
        self._accel_sigma = model.accel_noise_m_s2_rthz * np.sqrt(rate_hz / 2.0)
        self._walk_sigma = model.gyro_walk_rad_s_rts / np.sqrt(rate_hz)

    @property
    def gyro_bias(self) -> Floats:
        """Present bias, (S, 3) rad/s."""
        return np.array(self._bias[0])

    def measure(self, angular_velocity: Floats, specific_force: Floats) -> Measured:
        """Ideal signals (N, S, 3) in, measured signals out; continues where the last call ended."""
        draws = self._rng.standard_normal((len(angular_velocity), 3, self._sensors, 3), dtype=np.float32)
        walk = self._bias[0] + np.cumsum(draws[:, 2] * self._walk_sigma, axis=0, dtype=np.float64)
        gyro = angular_velocity * self._gain[0] + walk + draws[:, 0] * self._gyro_sigma
        accel = specific_force * self._gain[1] + self._bias[1] + draws[:, 1] * self._accel_sigma
        if len(walk):
            self._bias[0] = walk[-1]
        most_gyro, most_accel = self.model.gyro_range_rad_s, self.model.accel_range_m_s2
        return Measured(
            angular_velocity=np.clip(gyro, -most_gyro, most_gyro),
            specific_force=np.clip(accel, -most_accel, most_accel),
            gyro_saturated=np.any(np.abs(gyro) >= most_gyro, axis=-1),
            accel_saturated=np.any(np.abs(accel) >= most_accel, axis=-1),
        )
