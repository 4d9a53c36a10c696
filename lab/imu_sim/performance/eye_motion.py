"""Blinks and gaze."""

from __future__ import annotations

import numpy as np

from face_model import arkit
from imu_sim.motion import Floats, ease
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.canvas import Canvas
from imu_sim.smooth_noise import smooth_noise

BLINK_INTERVAL_S = 3.6
"""Mean time between blinks: 17 a minute at rest, 26 in conversation, 4.5 while reading (A. Bentivoglio et al.,
"Analysis of blink rate patterns in normal subjects", 1997)."""

BLINK = weights_of({"eyeBlink": 0.97, "cheekSquint": 0.05, "eyeSquint": 0.08, "browDown": 0.04})
"""Weights (52,) of a blink at its deepest; what the neighbours of the lid do is set by eye."""

_LID_FOLLOWS_GAZE = 0.3
"""Share of eyeLookDown by which the upper lid comes down with the eye, as ARKit reports it (set by eye)."""

_FULL_GAZE_RAD = 0.6
"""Eye rotation at which an eyeLook weight is 1 (a guess: ARKit does not say)."""


def blink_times(
    start_s: float, end_s: float, rng: np.random.Generator, mean_s: float = BLINK_INTERVAL_S
) -> list[float]:
    """Start times of blinks, s: log-normal intervals, a double blink now and then."""
    times: list[float] = []
    now = start_s + float(rng.uniform(0.2, 1.5))
    while now < end_s:
        times.append(now)
        # A log-normal with sigma 0.55 has mean exp(0.15) times its median.
        wait = float(rng.lognormal(np.log(mean_s / 1.16), 0.55))
        now += 0.45 if rng.random() < 0.06 else max(0.7, wait)
    return times


def blink(start_s: float, canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint a blink that closes in 60-90 ms, rests up to 20 ms and opens in 110-200 ms; some close only in part.

    The upper lid closes about twice as fast as it opens, a whole blink takes a quarter of a second (C. Evinger, K.
    Manning, P. Sibony, "Eyelid movements: mechanisms and normal data", 1991; F. VanderWerf et al., "Eyelid movements:
    behavioral studies of blinking in humans under different stimulus conditions", 2003). Tuned so that the duration at
    half depth is that of recorded takes, 0.1 to 0.14 s.
    """
    close, rest, reopen = rng.uniform(0.06, 0.09), rng.uniform(0.0, 0.02), rng.uniform(0.11, 0.2)
    window = canvas.window(start_s, start_s + close + rest + reopen)
    now = canvas.times[window] - start_s
    lid = ease(now / close) * (1.0 - ease((now - close - rest) / reopen))
    # One blink in eight does not reach the lower lid (a guess; incomplete blinks are common).
    depth = rng.uniform(0.45, 0.85) if rng.random() < 0.125 else rng.uniform(0.93, 1.0)
    canvas.add_pose(window, lid * depth, BLINK)


def gaze(
    times: Floats, head_angles: Floats, rng: np.random.Generator, wander: float, down_rad: float, end_s: float
) -> tuple[Floats, list[float]]:
    """Eyes that fixate, jump between fixations and counter the turning head.

    Saccades of angle A last 2.2 ms a degree and 21 ms more (R. Carpenter, "Movements of the eyes", 1988); their angles
    are near those of conversation (S. Lee, J. Badler, N. Badler, "Eyes alive", 2002). Large shifts of gaze come with a
    blink (C. Evinger et al., "Not looking while leaping: the linkage of blinking and saccadic gaze shifts", 1994); here
    the probability rises with the square of the angle to 1 at 33 degrees (a guess).

    Args:
        times: (T,) s.
        head_angles: (T, 3) roll, pitch, yaw of the head, rad: part of it is countered, as when looking at somebody.
        wander: scales how far fixations leave the centre.
        down_rad: how far the centre is below straight ahead, rad.
        end_s: when the eyes are to be home again.

    Returns:
        weights (T, 52) and the times of the blinks that came with shifts, s.
    """
    starts, targets, blinks = [float(times[0])], [np.zeros(2)], []
    now = float(times[0]) + float(rng.uniform(1.0, 2.5))
    while now < end_s - 0.8:
        # Two fixations in five return to the partner in front.
        to = np.zeros(2) if rng.random() < 0.4 else rng.normal(0.0, [0.16, 0.08]) * wander
        if rng.random() < (np.hypot(*(to - targets[-1])) / np.deg2rad(33.0)) ** 2:
            blinks.append(now)
        starts.append(now)
        targets.append(to)
        now += float(np.clip(rng.lognormal(0.1, 0.6), 0.25, 4.0))
    starts.append(end_s - 0.3)
    targets.append(np.zeros(2))
    begin, place = np.array(starts), np.array(targets)
    last = np.searchsorted(begin, times, side="right") - 1
    before = place[np.maximum(last - 1, 0)]
    lasts_s = 0.021 + 2.2e-3 * np.rad2deg(np.hypot(*(place[last] - before).T))
    at = before + (place[last] - before) * ease((times - begin[last]) / lasts_s)[:, None]
    rate_hz = 1.0 / float(times[1] - times[0])
    drift = 0.004 * smooth_noise(len(times), rate_hz, 3.0, rng)
    return _look(at[:, 0] + drift - 0.7 * head_angles[:, 2], at[:, 1] + down_rad - 0.7 * head_angles[:, 1]), blinks


def _look(yaw: Floats, pitch: Floats) -> Floats:
    """Yaw to the subject's left and pitch down, (T,) rad, to the eight eyeLook weights (T, 52)."""
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
