"""How heads move: nods, shakes, turns, sway, the motion of a talking and of a walking person, as smooth pose tracks.

Angles are roll, pitch and yaw about the x, y and z axis of `face_head`, rad: positive yaw turns to the subject's left,
positive pitch looks down, positive roll brings the right ear down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import rotation
from imu_sim.motion import Floats, ease
from imu_sim.smooth_noise import smooth_noise, smooth_noises

NECK_TO_HEAD_M = np.array([0.02, 0.0, 0.13])
"""From the middle of the neck, about which a head turns, to midway between the ears, m (a guess)."""

KINDS = ("nod", "shake", "turn", "tilt", "look_up", "look_down", "back", "forward")
"""What `HeadGesture.kind` may be. Positive amounts turn to the subject's left and tilt the left ear down."""


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


@dataclass(frozen=True)
class Walk:
    """A stretch of walking.

    Bounce, sway and the head's counter-pitch follow E. Hirasaki, S. Moore, T. Raphan, B. Cohen, "Effects of walking
    velocity on vertical head and body movements during locomotion", 1999: one bounce a step, 1.6 to 2.2 Hz from slow to
    brisk walking, some 2 cm up and down from the middle, the head pitching against it by one or two degrees so that the
    gaze stays on its target; sideways at half that rate. The forward speed is constant and leaves no trace in an IMU.

    Attributes:
        start_s, duration_s: when and how long, s.
        step_hz: steps a second.
        bounce_m: vertical amplitude, m.
        turn_rad: how far the person turns on the way and back again, rad; the loop must end where it began.
    """

    start_s: float
    duration_s: float
    step_hz: float = 1.9
    bounce_m: float = 0.018
    turn_rad: float = 0.0


def neck_position(orientation: Floats) -> Floats:
    """Position of `face_head` (T, 3), m, when the head turns about a neck that stands still; level is the origin."""
    lever = np.broadcast_to(NECK_TO_HEAD_M, (len(orientation), 3))
    return np.asarray(rotation.rotate(orientation, lever) - lever, dtype=np.float64)


class HeadTrack:
    """Angles (T, 3) rad and shift (T, 3) m of the neck in the earth frame, added up movement by movement."""

    def __init__(self, times: Floats) -> None:
        self.times = times
        self.angles = np.zeros((len(times), 3))
        self.shift = np.zeros((len(times), 3))

    def _window(self, start_s: float, duration_s: float) -> tuple[slice, Floats]:
        first, last = np.searchsorted(self.times, [start_s, start_s + duration_s])
        window = slice(int(first), int(last))
        return window, self.times[window] - start_s

    def gesture(self, gesture: HeadGesture) -> None:
        """Add one gesture."""
        window, since = self._window(gesture.start_s, gesture.duration_s)
        x = since / gesture.duration_s
        amount = np.deg2rad(gesture.amount)
        if gesture.kind in ("nod", "shake"):
            # Later repetitions are smaller, as in real nods.
            wave = np.sin(2.0 * np.pi * gesture.cycles * x) * ease(5.0 * x) * ease(2.2 * (1.0 - x)) * (1.0 - 0.45 * x)
            self.angles[window, 1 if gesture.kind == "nod" else 2] += amount * wave
            return
        rise = min(0.35, 0.45 / gesture.duration_s)
        held = ease(x / rise) * ease((1.0 - x) / (1.3 * rise))
        if gesture.kind in ("back", "forward"):
            self.shift[window, 0] += 1e-3 * gesture.amount * held * (1.0 if gesture.kind == "forward" else -1.0)
            return
        axis, sign = {"turn": (2, 1.0), "tilt": (0, -1.0), "look_up": (1, -1.0), "look_down": (1, 1.0)}[gesture.kind]
        self.angles[window, axis] += sign * amount * held

    def walk(self, walk: Walk, rng: np.random.Generator) -> None:
        """Add a stretch of walking; steps vary a little in length, as steps do."""
        window, since = self._window(walk.start_s, walk.duration_s)
        if not since.size:
            return
        rate_hz = 1.0 / float(self.times[1] - self.times[0])
        going = ease(since / 1.5) * ease((walk.duration_s - since) / 1.5)
        uneven = 1.0 + 0.04 * smooth_noise(len(since), rate_hz, 0.3, rng)
        step = 2.0 * np.pi * np.cumsum(walk.step_hz * uneven) / rate_hz
        stride = 0.5 * step + rng.uniform(0.0, 2.0 * np.pi)
        # The second harmonic is the sharper lower turning point, where the heel strikes (its share is a guess).
        bounce = np.sin(step) + 0.18 * np.sin(2.0 * step + 0.7)
        self.shift[window, 2] += going * walk.bounce_m * bounce
        self.shift[window, 1] += going * 0.9 * walk.bounce_m * np.sin(stride)
        self.shift[window, 0] += going * 0.35 * walk.bounce_m * np.sin(step + 1.2)
        self.angles[window, 1] += going * np.deg2rad(1.4) * np.sin(step + 0.3) * walk.bounce_m / 0.02
        self.angles[window, 2] += going * np.deg2rad(1.0) * np.sin(stride + 0.5)
        self.angles[window, 0] += going * np.deg2rad(0.7) * np.sin(stride + 2.0)
        self.angles[window, 2] += walk.turn_rad * np.sin(np.pi * since / walk.duration_s) ** 2

    def beat(self, time_s: float, pitch_rad: float, yaw_rad: float) -> None:
        """Add one stroke of the head that marks a stressed syllable, at its fastest about `time_s`."""
        window, since = self._window(time_s - 0.16, 0.55)
        stroke = ease(since / 0.18) * ease((0.55 - since) / 0.34)
        self.angles[window, 1] += pitch_rad * stroke
        self.angles[window, 2] += yaw_rad * stroke

    def live(self, activity: Floats, amount: float, rng: np.random.Generator) -> None:
        """Add the small motion of a person who sits (`activity` 0) or talks (`activity` 1), (T,), scaled by `amount`.

        Amplitudes are guesses in the range reported for talking heads: a few degrees, mostly below 3 Hz (U. Hadar et
        al., "Head movement correlates of juncture and stress at sentence level", 1983).
        """
        count, rate_hz = len(self.times), 1.0 / float(self.times[1] - self.times[0])
        calm = smooth_noises(count, 3, rate_hz, 0.25, rng) * np.deg2rad([0.25, 0.3, 0.35])
        slow = smooth_noises(count, 3, rate_hz, 0.5, rng) * np.deg2rad([1.6, 2.2, 2.6])
        quick = smooth_noises(count, 3, rate_hz, 1.6, rng) * np.deg2rad([0.5, 0.9, 0.7])
        self.angles += amount * (calm + (slow + quick) * activity[:, None])
        # A breath every four seconds moves the shoulders by millimetres and the head by a tenth of a degree.
        breath = np.sin(2.0 * np.pi * 0.25 * self.times + rng.uniform(0.0, 2.0 * np.pi))
        self.angles[:, 1] += np.deg2rad(0.15) * breath
        self.shift[:, 2] += 0.001 * breath

    def pose(self) -> tuple[Floats, Floats]:
        """Orientation (T, 4) and position (T, 3) of `face_head`."""
        zero = np.zeros(len(self.angles))
        roll, pitch, yaw = (rotation.from_vector(np.stack(v, 1)) for v in _axes(self.angles, zero))
        orientation = np.asarray(rotation.multiply(rotation.multiply(yaw, pitch), roll), dtype=np.float64)
        return orientation, neck_position(orientation) + self.shift


def _axes(angles: Floats, zero: Floats) -> tuple[tuple[Floats, Floats, Floats], ...]:
    return (angles[:, 0], zero, zero), (zero, angles[:, 1], zero), (zero, zero, angles[:, 2])


_MOST = {"nod": 10.0, "shake": 11.0, "turn": 32.0, "tilt": 13.0, "look_up": 15.0, "look_down": 18.0}
"""Largest usual amount of a gesture, degrees (guesses); 25 mm for shifts."""


def random_gestures(
    start_s: float, end_s: float, rng: np.random.Generator, every_s: float = 6.0
) -> tuple[HeadGesture, ...]:
    """Nods, shakes, turns and tilts at random times, on average one in `every_s` seconds."""
    gestures, now = [], start_s + float(rng.exponential(every_s))
    while now < end_s - 1.0:
        kind = str(rng.choice(KINDS, p=[0.25, 0.15, 0.25, 0.13, 0.07, 0.07, 0.04, 0.04]))
        amount = float(rng.uniform(0.3, 1.0) * _MOST.get(kind, 25.0))
        if kind in ("turn", "tilt", "shake"):
            amount *= float(rng.choice([-1.0, 1.0]))
        cycles = float(rng.integers(1, 5))
        repeats = kind in ("nod", "shake")
        length = cycles / float(rng.uniform(1.3, 2.4)) + 0.3 if repeats else float(rng.uniform(0.9, 3.5))
        gestures.append(HeadGesture(now, kind, amount, min(length, end_s - now), cycles))
        now += 0.6 * length + float(rng.exponential(every_s))
    return tuple(gestures)


def natural(duration_s: float, rate_hz: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Simulated head motion of a person in front of a camera: orientation (T, 4) and position (T, 3)."""
    count = max(2, round(duration_s * rate_hz) + 1)
    track = HeadTrack(np.arange(count) / rate_hz)
    for gesture in random_gestures(0.0, duration_s, rng):
        track.gesture(gesture)
    track.live(np.clip(0.45 + 0.5 * smooth_noise(count, rate_hz, 0.1, rng), 0.0, 1.3), 1.0, rng)
    return track.pose()
