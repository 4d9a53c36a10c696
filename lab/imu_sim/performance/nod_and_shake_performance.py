"""Random people who do the short routine of `face_model.nod_and_shake`, as people do: late, about axes of their own."""

from __future__ import annotations

from typing import Literal

import numpy as np

from face_model import nod_and_shake, rotation
from imu_sim.head_motion import NECK_TO_HEAD_M, HeadGesture, HeadTrack
from imu_sim.motion import FaceMotion, Floats
from imu_sim.performance.canvas import RATE_HZ
from imu_sim.performance.perform import Script, perform
from imu_sim.performance.style import draw_style

Does = Literal["both", "nod", "shake", "nothing"]
"""What of it a simulated wearer does."""

_STREAM = 0x40D

_REACTION_S = (0.25, 0.8)
"""From the prompt to the first movement, s; as in the guided routine (a guess)."""
_NOD_DEG, _SHAKE_DEG = (9.0, 20.0), (12.0, 26.0)
"""Amplitudes of somebody who was told "up and down" and "left and right" (guesses; heads reach three times that)."""
_CYCLES_HZ = (0.7, 1.3)
_AXIS_RAD = float(np.deg2rad(4.0))
"""How far, about the vertical, people nod beside the line through their ears, standard deviation (a guess)."""
_TILT_RAD = float(np.deg2rad(6.0))
"""How far the axis of a shake leans, to the side and forward (a guess)."""
_LIVELINESS = 0.5


def perform_nod_and_shake(seed: int, does: Does = "both", start_s: float = 0.0) -> FaceMotion:
    """A random person doing the short routine, its beginning at `start_s`; same seed, same motion.

    The face keeps relaxed but for its small involuntary motion and blinks. Amplitudes, paces and reactions differ, and
    nobody nods about just the line through the ears, nor shakes about just the vertical.
    """
    style = draw_style(np.random.default_rng(seed))
    rng = np.random.default_rng([seed, _STREAM])
    script = Script(
        duration_s=start_s + nod_and_shake.DURATION_S + 1.0,
        still_s=start_s + nod_and_shake.STILL_S - 0.1,
        blink_interval_s=style.blink_interval_s,
        liveliness=_LIVELINESS,
    )
    face = perform(script, rng, f"nod_and_shake_{seed}", f"generated_{seed}", style)
    times = np.arange(face.samples) / RATE_HZ
    orientation = face.head_orientation
    for phase in nod_and_shake.PHASES[1:]:
        vector = _vector(phase, start_s, times, rng)
        if does in ("both", phase.name):
            turned = rotation.multiply(orientation, rotation.from_vector(vector))
            orientation = np.asarray(turned, dtype=np.float64)
    lever = np.broadcast_to(NECK_TO_HEAD_M, (len(times), 3))
    position = face.head_position + rotation.rotate(orientation, lever) - rotation.rotate(face.head_orientation, lever)
    return FaceMotion(face.rate_hz, face.weights, orientation, position, face.name, face.person)


def _vector(phase: nod_and_shake.Phase, start_s: float, times: Floats, rng: np.random.Generator) -> Floats:
    """(T, 3) rad, the movement of one phase as rotation vectors about its own axis."""
    begin_s = start_s + phase.start_s + float(rng.uniform(*_REACTION_S))
    length_s = start_s + phase.end_s + float(rng.uniform(-0.5, 0.2)) - begin_s
    most = float(rng.uniform(*(_NOD_DEG if phase.name == "nod" else _SHAKE_DEG)))
    track = HeadTrack(times)
    cycles = length_s * float(rng.uniform(*_CYCLES_HZ))
    track.gesture(HeadGesture(begin_s, phase.name, most, length_s, cycles))
    off = rng.normal(0.0, 1.0, 2)
    if phase.name == "nod":
        axis = np.array([-np.sin(_AXIS_RAD * off[0]), np.cos(_AXIS_RAD * off[0]), 0.0])
        axis = axis + np.array([0.0, 0.0, _AXIS_RAD * off[1]])
        return np.outer(track.angles[:, 1], axis / np.linalg.norm(axis))
    axis = np.array([_TILT_RAD * off[0], _TILT_RAD * off[1], 1.0])
    return np.outer(track.angles[:, 2], axis / np.linalg.norm(axis))
