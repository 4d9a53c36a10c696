"""What IMUs of a part measure of ideal signals, as a stream: low-pass, errors, noise, saturation, quantisation.

Model of a gyroscope or accelerometer with ideal input x, at the part's output rate:

    y = M (1 + k dT) L[x + w] + c + t dT + f + G a

`w` is white noise. It enters ahead of the digital low-pass L, as it does in a part, where sense element and converter
make it; so its density is the datasheet's in the passband and falls above. M holds scale errors and misalignment, `dT`
is the temperature above 25 degrees Celsius, `c` the constant bias, `f` flicker noise, `G a` the gyroscope's response
to specific force. L is a second-order Butterworth filter (a guess: datasheets give the -3 dB frequency only); its delay
stays in the signal, as in a part. After D. Titterton and J. Weston, "Strapdown Inertial Navigation Technology", 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi, unit_impulse

from imu_sim.chips.noise import FilteredNoise, Flicker, Warming
from imu_sim.chips.parts import SensorPart, Triad
from imu_sim.motion import Floats


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
    """`sensors` IMUs with errors of their own.

    All state is kept between calls and all noise is drawn sample by sample, so that any split of the stream into chunks
    gives the same values.

    Args:
        part: what each of them is.
        sensors: how many.
        rate_hz: rate of the ideal signals, Hz; about 1 kHz.
        decimation: ideal samples for each measured one; the last of them is the one at the sample's time.
        rng: of biases and noise.
        warming: temperature of the units.
        calibrated: whether the hub has subtracted the zero offsets that were found at the factory at 25 degrees
            Celsius; what differs at every power-up and with temperature remains.
    """

    def __init__(
        self,
        part: SensorPart,
        sensors: int,
        rate_hz: float,
        decimation: int,
        rng: np.random.Generator,
        *,
        warming: Warming | None = None,
        calibrated: bool = True,
    ) -> None:
        self.part = part
        self._sensors = sensors
        self._decimation = decimation
        self._output_hz = rate_hz / decimation
        self._warming = warming or Warming()
        self._count = 0
        triads = ((part.gyro, "gyro"), (part.accel, "accel"))
        self._gyro, self._accel = (
            _TriadBank(triad, sensors, rate_hz, decimation, child, calibrated)
            for (triad, _), child in zip(triads, rng.spawn(2), strict=True)
        )

    def measure(self, angular_velocity: Floats, specific_force: Floats) -> Measured:
        """Ideal signals (N * decimation, S, 3) in, N measured samples out; continues where the last call ended.

        Raises:
            ValueError: the number of samples is not a multiple of `decimation`.
        """
        if len(angular_velocity) % self._decimation or angular_velocity.shape != specific_force.shape:
            raise ValueError(
                f"expected equal shapes with a multiple of {self._decimation} samples, found "
                f"{angular_velocity.shape} and {specific_force.shape}"
            )
        count = len(angular_velocity) // self._decimation
        times_s = np.arange(self._count, self._count + count) / self._output_hz
        warmth = self._warming.above_reference(times_s)[:, None, None]
        force = self._accel.filtered(specific_force)
        gyro, gyro_saturated = self._gyro.read(self._gyro.filtered(angular_velocity), times_s, warmth, force)
        accel, accel_saturated = self._accel.read(force, times_s, warmth)
        self._count += count
        return Measured(gyro, accel, gyro_saturated, accel_saturated)


class _TriadBank:
    """The gyroscopes or the accelerometers of all units."""

    def __init__(
        self, triad: Triad, sensors: int, rate_hz: float, decimation: int, rng: np.random.Generator, calibrated: bool
    ) -> None:
        constant, fast, slow = rng.spawn(3)
        shape = (sensors, 3)
        self._triad = triad
        self._decimation = decimation
        self._sos, response = None, np.ones(1)
        if triad.bandwidth_hz < rate_hz / 2.0:
            self._sos = butter(2, triad.bandwidth_hz, fs=rate_hz, output="sos")
            # Its poles decay by exp(-4.4) in one period of the -3 dB frequency.
            response = sosfilt(self._sos, unit_impulse(int(4.0 * rate_hz / triad.bandwidth_hz)))
        # White noise of density d in a bandwidth of half the rate has the deviation d sqrt(rate / 2).
        sigma = triad.noise_density * np.sqrt(rate_hz / 2.0)
        self._noise = FilteredNoise(sigma, response, decimation, shape, fast) if sigma else None
        self._memory: Floats | None = None
        self._offset = triad.turn_on_bias * constant.standard_normal(shape) + (
            0.0 if calibrated else triad.offset
        ) * constant.standard_normal(shape)
        self._temperature_bias = triad.temperature_bias * constant.standard_normal(shape)
        self._temperature_scale = triad.temperature_scale * constant.standard_normal(shape)
        matrix = triad.cross_axis * constant.standard_normal((sensors, 3, 3))
        diagonal = np.arange(3)
        matrix[:, diagonal, diagonal] = 1.0 + triad.scale_error * constant.standard_normal(shape)
        self.matrix = matrix
        self._mix = _blocks(matrix)
        self._gravity = _blocks(triad.gravity_sensitivity * constant.standard_normal((sensors, 3, 3)))
        self._flicker = Flicker(triad.bias_instability, shape, slow)

    def filtered(self, ideal: Floats) -> Floats:
        """Ideal signals with white noise, low-passed and decimated, (N, S, 3)."""
        smooth = ideal
        if self._sos is not None and len(ideal):
            if self._memory is None:
                # The part has been on for a while: as if the first value had always been there.
                self._memory = sosfilt_zi(self._sos)[:, :, None, None] * ideal[0]
            smooth, self._memory = sosfilt(self._sos, ideal, axis=0, zi=self._memory)
        kept = smooth[self._decimation - 1 :: self._decimation]
        return np.asarray(kept + self._noise.draw(len(kept)) if self._noise else kept)

    def read(
        self, signal: Floats, times_s: Floats, warmth: Floats, force: Floats | None = None
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Filtered signals with all errors, (N, S, 3), and whether an axis of a unit is at the end of its range."""
        rows = (len(signal), len(self._mix))
        mixed = (signal.reshape(rows) @ self._mix).reshape(signal.shape)
        value = mixed * (1.0 + self._temperature_scale * warmth)
        value += self._offset + self._temperature_bias * warmth + self._flicker.at(times_s)
        if force is not None and self._triad.gravity_sensitivity:
            value += (force.reshape(rows) @ self._gravity).reshape(signal.shape)
        return self._digital(value)

    def _digital(self, value: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        high, step = self._triad.full_scale, self._triad.resolution
        low = -high
        if step:
            # Two's complement: one count more below zero than above.
            most = round(high / step)
            low, high = -most * step, (most - 1) * step
            value = np.rint(value / step) * step
        saturated = np.any((value >= high) | (value <= low), axis=-1)
        return np.clip(value, low, high), np.asarray(saturated)


def _blocks(matrices: Floats) -> Floats:
    """(S, 3, 3) to the (3 S, 3 S) matrix that a row of all units' values is multiplied with from the right.

    One product of mostly zeros is five times as fast as many small ones.
    """
    sensors = len(matrices)
    out = np.zeros((sensors, 3, sensors, 3))
    index = np.arange(sensors)
    out[index, :, index, :] = np.swapaxes(matrices, 1, 2)
    return out.reshape(3 * sensors, 3 * sensors)
