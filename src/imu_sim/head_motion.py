"""How heads move: nods, shakes, turns, sway and the motion of a talking person, as smooth pose tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from face_model import rotation
from imu_sim.motion import Floats, ease

NECK_TO_HEAD_M = np.array([0.02, 0.0, 0.13])
"""From the middle of the neck, about which a head turns, to midway between the ears, m (a guess)."""

KINDS = ("nod", "shake", "turn", "tilt", "look_up", "look_down", "back", "forward")
"""What `HeadGesture.kind` may be. Positive amounts turn to the wearer's left and tilt the left ear down."""


@dataclass(frozen=True)
class HeadGesture:
    """One movement of the head.

    Attributes:
        start_s: when it begins, s.
        kind: one of `KINDS`.
        amount: degrees; for "back" and "forward" millimetres.
        duration_s: from the first movement to the last, s.
        cycles: repetitions of a nod or shake.
    """

    start_s: float
    kind: str
    amount: float = 8.0
    duration_s: float = 1.2
    cycles: float = 2.0


def smooth_noise(samples: int, rate_hz: float, cutoff_hz: float, rng: np.random.Generator) -> Floats:
    """Gaussian noise (samples,) of unit standard deviation, without content much above `cutoff_hz`."""
    sigma = rate_hz / (2.0 * np.pi * cutoff_hz)
    margin = int(4 * sigma) + 1
    raw = gaussian_filter1d(rng.standard_normal(samples + 2 * margin), sigma, mode="constant")[
        margin : margin + samples
    ]
    # Expected deviation of filtered white noise, so that short pieces are not blown up to unit size.
    return np.asarray(raw * np.sqrt(2.0 * sigma * np.sqrt(np.pi)))


def neck_position(orientation: Floats) -> Floats:
    """Position of `face_head` (T, 3), m, when the head turns about a neck that stands still; level is the origin."""
    lever = np.broadcast_to(NECK_TO_HEAD_M, (len(orientation), 3))
    return np.asarray(rotation.rotate(orientation, lever) - lever, dtype=np.float64)


def gesture_angles(gestures: tuple[HeadGesture, ...], times: Floats) -> tuple[Floats, Floats]:
    """Roll, pitch and yaw (T, 3) in rad (positive pitch looks down) and forward shift (T,) in m at `times`."""
    angles, shift = np.zeros((len(times), 3)), np.zeros(len(times))
    for gesture in gestures:
        phase = (times - gesture.start_s) / gesture.duration_s
        inside = (phase > 0.0) & (phase < 1.0)
        x = phase[inside]
        amount = np.deg2rad(gesture.amount)
        if gesture.kind in ("nod", "shake"):
            # Later repetitions are smaller, as in real nods.
            wave = np.sin(2.0 * np.pi * gesture.cycles * x) * ease(5.0 * x) * ease(2.2 * (1.0 - x)) * (1.0 - 0.45 * x)
            angles[inside, 1 if gesture.kind == "nod" else 2] += amount * wave
            continue
        rise = min(0.35, 0.45 / gesture.duration_s)
        held = ease(x / rise) * ease((1.0 - x) / (1.3 * rise))
        if gesture.kind in ("back", "forward"):
            shift[inside] += 1e-3 * gesture.amount * held * (1.0 if gesture.kind == "forward" else -1.0)
        else:
            axis, sign = {"turn": (2, 1.0), "tilt": (0, -1.0), "look_up": (1, -1.0), "look_down": (1, 1.0)}[
                gesture.kind
            ]
            angles[inside, axis] += sign * amount * held
    return angles, shift


def liveliness(times: Floats, activity: Floats, rng: np.random.Generator) -> Floats:
    """Small roll, pitch, yaw (T, 3) in rad of a person who sits (`activity` 0) or talks (`activity` 1), (T,).

    Amplitudes are guesses in the range reported for talking heads: a few degrees, mostly below 3 Hz
    (Hadar et al., "Head movement correlates of juncture and stress at sentence level", 1983).
    """
    rate_hz = 1.0 / float(times[1] - times[0])
    count = len(times)
    calm = np.stack([smooth_noise(count, rate_hz, 0.25, rng) for _ in range(3)], 1) * np.deg2rad([0.25, 0.3, 0.35])
    slow = np.stack([smooth_noise(count, rate_hz, 0.5, rng) for _ in range(3)], 1) * np.deg2rad([1.6, 2.2, 2.6])
    beat = np.stack([smooth_noise(count, rate_hz, 1.6, rng) for _ in range(3)], 1) * np.deg2rad([0.5, 1.1, 0.7])
    breath = np.zeros((count, 3))
    breath[:, 1] = np.deg2rad(0.15) * np.sin(2.0 * np.pi * 0.25 * times)
    return np.asarray(calm + breath + (slow + beat) * activity[:, None])


def compose(angles: Floats, shift: Floats) -> tuple[Floats, Floats]:
    """Roll, pitch, yaw (T, 3) in rad and forward shift (T,) in m to orientation (T, 4) and position (T, 3)."""
    zero = np.zeros(len(angles))
    yaw = rotation.from_vector(np.stack([zero, zero, angles[:, 2]], 1))
    pitch = rotation.from_vector(np.stack([zero, angles[:, 1], zero], 1))
    roll = rotation.from_vector(np.stack([angles[:, 0], zero, zero], 1))
    orientation = np.asarray(rotation.multiply(rotation.multiply(yaw, pitch), roll), dtype=np.float64)
    position = neck_position(orientation)
    position[:, 0] += shift
    return orientation, position


def random_gestures(duration_s: float, rng: np.random.Generator, every_s: float = 6.0) -> tuple[HeadGesture, ...]:
    """Nods, shakes, turns and tilts at random times, on average one in `every_s` seconds."""
    gestures, now = [], float(rng.exponential(every_s))
    while now < duration_s - 1.0:
        kind = str(rng.choice(KINDS, p=[0.25, 0.15, 0.25, 0.13, 0.07, 0.07, 0.04, 0.04]))
        most = {"nod": 10.0, "shake": 11.0, "turn": 30.0, "tilt": 13.0, "look_up": 14.0, "look_down": 16.0}.get(
            kind, 25.0
        )
        amount = float(rng.uniform(0.3, 1.0) * most)
        if kind in ("turn", "tilt", "shake"):
            amount *= float(rng.choice([-1.0, 1.0]))
        cycles = float(rng.integers(1, 5))
        repeats = kind in ("nod", "shake")
        length = cycles / float(rng.uniform(1.3, 2.4)) + 0.3 if repeats else float(rng.uniform(0.9, 3.5))
        gestures.append(HeadGesture(now, kind, amount, min(length, duration_s - now), cycles))
        now += 0.6 * length + float(rng.exponential(every_s))
    return tuple(gestures)


def natural(duration_s: float, rate_hz: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Simulated head motion of a person in front of a camera: orientation (T, 4) and position (T, 3)."""
    count = max(2, round(duration_s * rate_hz) + 1)
    times = np.arange(count) / rate_hz
    activity = np.clip(0.45 + 0.5 * smooth_noise(count, rate_hz, 0.1, rng), 0.0, 1.3)
    angles, shift = gesture_angles(random_gestures(duration_s, rng), times)
    return compose(angles + liveliness(times, activity, rng), shift)
