"""When a real hub takes its samples: by a clock that runs a little fast or slow, a little late, and not all arrive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model import rotation
from imu_sim.imu_stream import Frames
from imu_sim.motion import Floats


@dataclass(frozen=True)
class HubTiming:
    """Timing errors of a hub.

    Attributes:
        skew_ppm: how much faster its clock runs than true time, parts per million.
        jitter_s: root mean square age of the values in a sample, s: a unit that was read just before is not read again.
        loss: probability that a sample of all units does not arrive, 0 to 1.
    """

    skew_ppm: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0

    @property
    def clock_rate(self) -> float:
        """Seconds that the hub's clock counts in a true second."""
        return 1.0 + 1e-6 * self.skew_ppm


def as_received(
    frames: Frames, timing: HubTiming, rate_hz: float, rng: np.random.Generator
) -> tuple[Frames, NDArray[np.bool_]]:
    """Samples as a host receives them, and which of them are new, (N,): a lost one shows the values of the last.

    Values of age t are read from the line between a sample and the one before it. The first sample always arrives.
    """
    count = len(frames.orientation)
    if not timing.jitter_s and not timing.loss:
        return frames, np.ones(count, dtype=np.bool_)
    arrived = rng.random(count) >= timing.loss
    arrived[:1] = True
    age = np.minimum(np.abs(rng.normal(0.0, timing.jitter_s, count)) * rate_hz, 1.0)
    shown = np.maximum.accumulate(np.where(arrived, np.arange(count), 0))
    received = Frames(
        _aged_turn(frames.orientation, age)[shown],
        _aged(frames.angular_velocity, age)[shown],
        _aged(frames.specific_force, age)[shown],
        frames.gyro_saturated[shown],
        frames.accel_saturated[shown],
    )
    return received, arrived


def _aged(values: Floats, age: Floats) -> Floats:
    before = np.concatenate([values[:1], values[:-1]])
    return np.asarray(values + (before - values) * age[:, None, None])


def _aged_turn(q: Floats, age: Floats) -> Floats:
    before = np.concatenate([q[:1], q[:-1]])
    same = np.where(np.sum(before * q, axis=-1, keepdims=True) < 0.0, -before, before)
    return np.asarray(rotation.normalise(q + (same - q) * age[:, None, None]))
