"""Scoring an estimate of a take, and the rest pose beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_evaluation.score import TakeResult, moving_part, take_result
from face_model.rig import FaceRig
from imu_sim.recording import Recording

REST_POSE = "rest pose"
"""Name of the estimate that every model must beat: a face that never moves."""


def score_recording(
    recording: Recording,
    weights: NDArray[np.floating],
    confidence: NDArray[np.floating] | None,
    rig: FaceRig | None = None,
    geometry: str = "",
) -> TakeResult:
    """Score estimates (T, 52) of a take from the first to the last sample at which the true face moves.

    Rest before and after is for the calibration and earns no credit.
    """
    moved = moving_part(recording.weights)
    return take_result(
        recording.weights[moved],
        weights[moved],
        None if confidence is None else confidence[moved],
        recording.rate_hz,
        rig,
        person=recording.person,
        take=recording.take,
        geometry=geometry,
    )


def rest_pose(recording: Recording, rig: FaceRig | None = None, geometry: str = "") -> TakeResult:
    """Score of a face that never moves."""
    return score_recording(recording, np.zeros_like(recording.weights), None, rig, geometry)
