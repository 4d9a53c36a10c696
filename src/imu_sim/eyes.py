"""Blinks and gaze."""

from __future__ import annotations

import numpy as np

from face_model import arkit
from imu_sim.head_motion import smooth_noise
from imu_sim.motion import Floats, ease
from imu_sim.poses import weights_of

BLINK_INTERVAL_S = 3.6
"""Mean time between blinks: 17 a minute at rest (Bentivoglio et al., "Analysis of blink rate patterns in normal
subjects", 1997)."""

_BLINK = weights_of({"eyeBlink": 0.97, "cheekSquint": 0.05, "eyeSquint": 0.08, "browDown": 0.04})
_LID_FOLLOWS_GAZE = 0.3
"""Share of eyeLookDown by which the upper lid comes down with the eye, as ARKit reports it (set by eye)."""


def blink_times(
    duration_s: float, rng: np.random.Generator, first_s: float = 0.5, mean_s: float = BLINK_INTERVAL_S
) -> Floats:
    """Start times of blinks, (B,) s: log-normal intervals, a double blink now and then, none in the last second."""
    times: list[float] = []
    now = first_s + float(rng.uniform(0.2, 1.5))
    while now < duration_s - 1.0:
        times.append(now)
        # A log-normal with sigma 0.55 has mean exp(0.15) times its median.
        wait = float(rng.lognormal(np.log(mean_s / 1.16), 0.55))
        now += 0.45 if rng.random() < 0.06 else max(0.7, wait)
    return np.array(times)


def blinks(times: Floats, starts: Floats, rng: np.random.Generator) -> Floats:
    """Weights (T, 52): each blink closes in 100-150 ms, rests up to 40 ms and opens in 150-250 ms."""
    weights = np.zeros((len(times), arkit.COUNT))
    for start in starts:
        close, rest, reopen = rng.uniform(0.10, 0.15), rng.uniform(0.0, 0.04), rng.uniform(0.15, 0.25)
        lid = ease((times - start) / close) * (1.0 - ease((times - start - close - rest) / reopen))
        weights = np.maximum(weights, lid[:, None] * _BLINK * rng.uniform(0.93, 1.0))
    return weights


def gaze(times: Floats, head_angles: Floats, rng: np.random.Generator, wander: float = 1.0) -> Floats:
    """Weights (T, 52) of eyes that fixate, jump between fixations and counter the turning head.

    Args:
        times: (T,) s.
        head_angles: (T, 3) roll, pitch, yaw of the head, rad: part of it is countered, as when looking at somebody.
        wander: scales how far fixations leave the centre.
    """
    yaw, pitch = np.zeros(len(times)), np.zeros(len(times))
    now = float(times[0]) + float(rng.uniform(1.0, 2.5))
    at = np.zeros(2)
    while now < times[-1] - 1.0:
        # Two fixations in five return to the partner in front.
        to = np.zeros(2) if rng.random() < 0.4 else rng.normal(0.0, [0.16, 0.08]) * wander
        step = ease((times - now) / float(rng.uniform(0.04, 0.08)))
        yaw += (to[0] - at[0]) * step
        pitch += (to[1] - at[1]) * step
        at, now = to, now + float(np.clip(rng.lognormal(0.1, 0.6), 0.25, 4.0))
    home = 1.0 - ease((times - now) / 0.06)
    rate_hz = 1.0 / float(times[1] - times[0])
    tremor = 0.004 * smooth_noise(len(times), rate_hz, 3.0, rng)
    yaw = yaw * home + tremor - 0.7 * head_angles[:, 2]
    pitch = pitch * home - 0.7 * head_angles[:, 1]
    return _look(yaw, pitch)


_FULL_GAZE_RAD = 0.6
"""Eye rotation at which an eyeLook weight is 1 (a guess: ARKit does not say)."""


def _look(yaw: Floats, pitch: Floats) -> Floats:
    """Yaw to the wearer's left and pitch down, (T,) rad, to the eight eyeLook weights (T, 52)."""
    left, down = yaw / _FULL_GAZE_RAD, pitch / _FULL_GAZE_RAD
    weights = np.zeros((len(yaw), arkit.COUNT))
    for name, amount in {
        "eyeLookOutLeft": left,
        "eyeLookInRight": left,
        "eyeLookInLeft": -left,
        "eyeLookOutRight": -left,
        "eyeLookDownLeft": down,
        "eyeLookDownRight": down,
        "eyeLookUpLeft": -down,
        "eyeLookUpRight": -down,
        "eyeBlinkLeft": _LID_FOLLOWS_GAZE * down,
        "eyeBlinkRight": _LID_FOLLOWS_GAZE * down,
    }.items():
        weights[:, arkit.INDEX[name]] = np.clip(amount, 0.0, 0.9)
    return weights
