"""Numbers of one take, and their means over takes and people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_evaluation.metrics import OBSERVABLE, compare_weights, jitter_ratio, lag_s, surface_metrics
from face_evaluation.reliability import Reliability, confidence_metrics
from face_model import arkit
from face_model.rig import FaceRig
from imu_sim.recording import Recording

HEADLINE = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight")
"""Shapes whose correlation is always shown."""

REST_WEIGHT = 0.01
"""A face with every weight below this is at rest."""

NAN = float("nan")


@dataclass(frozen=True)
class Score:
    """One take's or person's numbers; each is explained where it is computed (`weights`, `timing`, `confidence`, ...).

    `rest_*` are those of holding the rest pose; mm are None without a rig, numbers on confidence NaN without any.
    """

    seconds: float
    mae: float
    mae_observable: float
    mae_lower: float
    mae_upper: float
    good_lower: float
    good_upper: float
    mae_relative: float
    r_observable: float
    r_clearly: float
    r: dict[str, float]
    lag_s: float
    jitter_ratio: float
    confidence_mean: float
    share_within: float
    calibration_error: float
    coverage_80: float
    coverage_80_observable: float
    log_likelihood: float
    face_mm: float | None
    lip_mm: float | None
    rest_mae: float
    rest_mae_observable: float
    rest_face_mm: float | None
    rest_lip_mm: float | None


@dataclass(frozen=True)
class TakeResult:
    """One take's numbers with what groups are made of.

    Attributes:
        person: who moved the face.
        take: name of the take.
        geometry: family of faces that it was played on.
        score: numbers.
        shape_mae: (52,) mean absolute error of each shape.
        reliability: of the confidences; None without any.
    """

    person: str
    take: str
    geometry: str
    score: Score
    shape_mae: NDArray[np.float64]
    reliability: Reliability | None


def score_take(
    truth: NDArray[np.floating],
    weights: NDArray[np.floating],
    confidence: NDArray[np.floating] | None,
    rate_hz: float,
    rig: FaceRig | None = None,
) -> Score:
    """Numbers of one take; all arrays (T, 52)."""
    return take_result(truth, weights, confidence, rate_hz, rig).score


def take_result(
    truth: NDArray[np.floating],
    weights: NDArray[np.floating],
    confidence: NDArray[np.floating] | None,
    rate_hz: float,
    rig: FaceRig | None = None,
    *,
    person: str = "",
    take: str = "",
    geometry: str = "",
) -> TakeResult:
    """Numbers of one take with its names; all arrays (T, 52)."""
    compared = compare_weights(truth, weights, rate_hz)
    honesty = None if confidence is None else confidence_metrics(truth, weights, confidence)
    surface = surface_metrics(truth, weights, rig) if rig else None
    rest_surface = surface_metrics(truth, np.zeros_like(truth), rig) if rig else None
    score = Score(
        seconds=len(truth) / rate_hz,
        **{name: value for name, value in vars(compared).items() if name != "shape_mae"},
        lag_s=lag_s(truth, weights, rate_hz),
        jitter_ratio=jitter_ratio(truth, weights),
        confidence_mean=honesty.mean if honesty else NAN,
        share_within=honesty.share_within if honesty else NAN,
        calibration_error=honesty.calibration_error if honesty else NAN,
        coverage_80=honesty.coverage_80 if honesty else NAN,
        coverage_80_observable=honesty.coverage_80_observable if honesty else NAN,
        log_likelihood=honesty.log_likelihood if honesty else NAN,
        face_mm=surface.face_mm if surface else None,
        lip_mm=surface.lip_mm if surface else None,
        rest_mae=float(np.abs(truth).mean()),
        rest_mae_observable=float(np.abs(truth[:, OBSERVABLE]).mean()),
        rest_face_mm=rest_surface.face_mm if rest_surface else None,
        rest_lip_mm=rest_surface.lip_mm if rest_surface else None,
    )
    return TakeResult(person, take, geometry, score, compared.shape_mae, honesty.reliability if honesty else None)


def moving_part(truth: NDArray[np.floating]) -> slice:
    """From the first to the last row of (T, 52) weights in which a weight is above 0.01; everything if none is."""
    rows = np.flatnonzero((truth > REST_WEIGHT).any(axis=1))
    return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, len(truth))


def mean_score(scores: Sequence[Score]) -> Score:
    """Mean of every number, `seconds` summed; a shape's r over the scores that have it."""
    names = sorted({name for score in scores for name in score.r}, key=arkit.BLENDSHAPES.index)
    r = {name: float(np.mean([s.r[name] for s in scores if name in s.r])) for name in names}

    def mean(key: str) -> Any:
        values = [getattr(score, key) for score in scores]
        present = [v for v in values if v is not None and not math.isnan(v)]
        return float(np.mean(present)) if present else (None if key.endswith("_mm") else NAN)

    numbers = {key: mean(key) for key in Score.__dataclass_fields__ if key not in {"r", "seconds"}}
    return Score(seconds=sum(score.seconds for score in scores), r=r, **numbers)


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

    Rest before and after is for the calibration and earns no credit; samples whose truth nobody saw are left out.
    """
    part = moving_part(recording.weights)
    moved = part if recording.seen is None else part.start + np.flatnonzero(recording.seen[part])
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
