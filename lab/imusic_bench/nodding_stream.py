"""Boards that rest and nod, with the noise of living sensors: cheap to make, and the same at every rate."""

from __future__ import annotations

import numpy as np

from face_model.frames import GRAVITY_M_S2
from imu_sim.imu_stream import Frames
from imu_sim.motion import Floats


class NoddingStream:
    """Boards that rest for 10 s of each minute and nod with the head for the rest, with the noise of living sensors."""

    def __init__(self, units: int, rate_hz: float, start_s: float) -> None:
        self._units, self._rate_hz, self._done = units, rate_hz, round(start_s * rate_hz)
        rng = np.random.default_rng(5)
        self._noise = rng.normal(0.0, 1.0, (997, units, 6)) * np.repeat((0.003, 0.02), 3)

    def next(self, frames: int) -> Frames:
        """The next samples."""
        numbers = self._done + np.arange(frames)
        self._done += frames
        times_s, step_s = numbers / self._rate_hz, 1e-4
        angle = _nod(times_s)
        rate = (_nod(times_s + step_s) - _nod(times_s - step_s)) / (2.0 * step_s)
        noise = self._noise[numbers % len(self._noise)]
        orientation = np.zeros((frames, self._units, 4))
        orientation[..., 1], orientation[..., 3] = np.sin(angle / 2)[:, None], np.cos(angle / 2)[:, None]
        velocity, force = noise[..., :3].copy(), noise[..., 3:].copy()
        velocity[..., 1] += rate[:, None]
        force[..., 0] -= GRAVITY_M_S2 * np.sin(angle)[:, None]
        force[..., 2] += GRAVITY_M_S2 * np.cos(angle)[:, None]
        never = np.zeros((frames, self._units), np.bool_)
        return Frames(orientation, velocity, force, never, never)

    def head(self, time_s: float) -> Floats:
        """Not known to the driver."""
        return np.array([0.0, 0.0, 0.0, 1.0])

    def weights(self, times_s: Floats) -> Floats:
        """Of a face at rest."""
        return np.zeros((len(times_s), 52))


def _nod(times_s: Floats) -> Floats:
    in_minute = np.mod(times_s, 60.0)
    ramp = np.clip((in_minute - 10.0) / 5.0, 0.0, 1.0) * np.clip((60.0 - in_minute) / 5.0, 0.0, 1.0)
    nod: Floats = 0.2 * ramp * ramp * (3.0 - 2.0 * ramp) * np.sin(2.0 * np.pi * 0.5 * times_s)
    return nod
