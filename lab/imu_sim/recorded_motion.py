"""Facial motion that a phone recorded, with the head's motion: recorded where the file has it, else simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from face_model import rotation
from face_model.livelink import LiveLinkReport, read_livelink
from imu_sim import head_motion
from imu_sim.motion import FaceMotion, Floats

_HEAD_SMOOTHING_S = 0.06
"""Standard deviation of the low-pass on recorded head angles, s: passes nods up to 2.5 Hz (set by eye)."""


def recorded_motion(
    path: Path | str, *, person: str | None = None, seed: int = 0, fps: float | None = None
) -> tuple[FaceMotion, LiveLinkReport]:
    """A Live Link Face CSV as a motion, and what had to be repaired.

    What the phone did not see is played as `read_livelink` bridges it: the simulated signals fit what is played. A
    recording of real sensors takes its truth from `LiveLinkTake.seen` instead.

    Args:
        path: CSV file.
        person: whose take it is; see `read_livelink`.
        seed: of the simulated head motion, used only where the file has none.
        fps: frames per second, where the file's timecodes do not tell them.

    Raises:
        LiveLinkError: the file cannot be used.
    """
    take = read_livelink(path, person=person, fps=fps)
    if take.report.head_recorded:
        # The camera's angles tremble; a head does not, and the accelerations would be absurd.
        sigma = _HEAD_SMOOTHING_S * take.rate_hz
        orientation = _head_orientation(gaussian_filter1d(take.head_angles, sigma, axis=0, mode="nearest"))
        position = head_motion.neck_position(orientation)
    else:
        duration_s = (len(take.weights) - 1) / take.rate_hz
        orientation, position = head_motion.natural(duration_s, take.rate_hz, np.random.default_rng(seed))
    return FaceMotion(take.rate_hz, take.weights, orientation, position, take.name, take.person), take.report


def _head_orientation(angles: Floats) -> Floats:
    """Yaw, pitch, roll (T, 3) in rad to `face_head` -> earth quaternions, heading relative to the first sample.

    The app's sign conventions are not documented: yaw about up, pitch about the ear axis and roll about the nose axis,
    in that order, is a guess, which changes how the head turns but not what the face does.
    """
    zero = np.zeros(len(angles))
    yaw, pitch, roll = angles[:, 0] - angles[0, 0], angles[:, 1], angles[:, 2]
    q = rotation.multiply(
        rotation.from_vector(np.stack([zero, zero, yaw], 1)), rotation.from_vector(np.stack([zero, pitch, zero], 1))
    )
    return np.asarray(rotation.multiply(q, rotation.from_vector(np.stack([roll, zero, zero], 1))), dtype=np.float64)
