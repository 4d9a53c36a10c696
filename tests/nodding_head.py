"""A head that keeps still, nods and shakes, with boards glued on in any way: exact, but for what is asked for."""

from __future__ import annotations

import numpy as np

from face_inference.alignment.solve import Motion
from face_inference.mounts import NominalMounts
from face_model import nod_and_shake, rotation

RATE_HZ = 100.0


def nominal(count: int = 5, seed: int = 0) -> NominalMounts:
    """Boards that face forward, more or less to the side; the first one is the skull's."""
    rng = np.random.default_rng(seed)
    about = np.zeros((count, 3))
    about[:, 2] = rng.uniform(-1.0, 1.0, count)
    about[1:, :2] = rng.normal(0.0, 0.2, (count - 1, 2))
    names = ("skull", "zygomaticus_left", "zygomaticus_right", "mentalis", "frontalis_left", "frontalis_right")
    return NominalMounts(names[:count], 0, rotation.from_vector(about), rng.normal(0.0, 0.05, (count, 3)))


def glued(mounts: NominalMounts, error_rad: float, seed: int = 1) -> np.ndarray:
    """(S, 4) mountings in truth, each off by about this."""
    error = np.random.default_rng(seed).normal(0.0, error_rad / np.sqrt(3.0), (len(mounts.names), 3))
    return rotation.multiply(mounts.orientation, rotation.from_vector(error))


def routine(
    mount: np.ndarray,
    nod_rad: float = 0.25,
    shake_rad: float = 0.3,
    wobble_rad_s: float = 0.0,
    bias_rad_s: float = 0.0,
    nod_axis_rad: float = 0.0,
    still_rad: float = 0.0,
    seed: int = 2,
    rate_hz: float = RATE_HZ,
) -> Motion:
    """What boards mounted (S, 4) so give in the routine; headings of their earth frames are arbitrary."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(nod_and_shake.DURATION_S * rate_hz)) / rate_hz
    angles = np.zeros((len(t), 3))
    for phase, most in zip(nod_and_shake.PHASES[1:], (nod_rad, shake_rad), strict=True):
        during = (t >= phase.start_s + 0.4) & (t < phase.end_s - 0.4)
        wave = most * np.sin(2.0 * np.pi * (t - phase.start_s - 0.4))
        axis = np.array([-np.sin(nod_axis_rad), np.cos(nod_axis_rad), 0.0]) if phase.name == "nod" else np.eye(3)[2]
        angles += np.outer(np.where(during, wave, 0.0), axis)
    angles[:, 1] += still_rad * np.sin(2.0 * np.pi * 2.0 * t)
    head = rotation.from_vector(angles)
    step = rotation.to_vector(rotation.multiply(rotation.conjugate(head[:-1]), head[1:])) * rate_hz
    rate = np.concatenate([step, step[-1:]])  # in head axes
    count = len(mount)
    whole = (len(t), count, 4)
    heading = np.zeros((count, 3))
    heading[:, 2] = rng.uniform(-3.0, 3.0, count)
    earth = np.broadcast_to(rotation.from_vector(heading), whole)
    orientation = rotation.multiply(rotation.multiply(earth, np.broadcast_to(head[:, None], whole)), mount)
    rates = rotation.rotate(rotation.conjugate(np.broadcast_to(mount, whole)), np.repeat(rate[:, None], count, axis=1))
    noise = rng.normal(0.0, wobble_rad_s, rates.shape) * (t >= nod_and_shake.STILL_S)[:, None, None]
    noise[:, 0] = 0.0
    rates = rates + noise + rng.normal(0.0, bias_rad_s, (count, 3))
    return Motion(t, orientation, rates, np.ones((len(t), count), dtype=bool), nod_and_shake.STILL_S)
