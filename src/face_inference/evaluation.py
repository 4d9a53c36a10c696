"""Scoring a tracker on people the model never saw: per person, mean over people, beside holding the rest pose."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.engine_choice import create_engine
from face_inference.errors import EvaluationError
from face_inference.metrics import compare_weights, confidence_metrics, surface_metrics
from face_inference.model_folder import Model
from face_inference.takes import layout_of, recorded_neutral, samples_of
from face_inference.tracker import FaceTracker
from face_model import arkit, observability
from face_model.recording import Recording
from face_model.rig import FaceRig

HEADLINE = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight")
"""Shapes whose correlation is always shown."""


REST_WEIGHT = 0.01
"""A face with every weight below this is at rest."""


@dataclass(frozen=True)
class Score:
    """One take's or person's numbers. `rest_*` are those of holding the rest pose; mm are None without a rig."""

    seconds: float
    mae: float
    mae_observable: float
    r_observable: float
    r: dict[str, float]
    lag_s: float
    jitter_ratio: float
    confidence_mean: float
    share_within: float
    calibration_error: float
    face_mm: float | None
    lip_mm: float | None
    rest_mae: float
    rest_mae_observable: float
    rest_face_mm: float | None
    rest_lip_mm: float | None


@dataclass(frozen=True)
class Evaluation:
    """Scores of people; `overall` is the mean over people, so that nobody counts more for a longer take."""

    overall: Score
    people: dict[str, Score]

    def to_json(self) -> str:
        """One object: the overall numbers, and the same per person under `people`."""
        content: dict[str, Any] = asdict(self.overall) | {"people": {p: asdict(s) for p, s in self.people.items()}}
        return json.dumps(_without_nan(content), indent=2)


def estimate_take(tracker: FaceTracker, recording: Recording) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Stream a take through a fresh tracker: weights and confidence, both (T, 52).

    The neutral comes from the take's most neutral window, as a wearer would give it before the take.
    """
    tracker.set_layout(layout_of(recording))
    tracker.neutral = recorded_neutral(recording, tracker.mounts)
    weights = np.zeros((len(recording.valid), arkit.COUNT), dtype=np.float32)
    confidence = np.zeros_like(weights)
    next_row = 0
    for sample in samples_of(recording):
        i = sample.sequence
        estimate = tracker.update(sample, now_s=sample.hub_time_s)
        if estimate is None:
            raise EvaluationError(f"take {recording.take}: the tracker refused sample {i}; check the take's layout")
        if next_row:
            # While a frame is lost, the last estimate stands.
            weights[next_row:i], confidence[next_row:i] = weights[next_row - 1], confidence[next_row - 1]
        weights[i], confidence[i] = estimate.weights, estimate.confidence
        next_row = i + 1
    return weights, confidence


def score_take(
    truth: NDArray[np.floating],
    weights: NDArray[np.floating],
    confidence: NDArray[np.floating],
    rate_hz: float,
    rig: FaceRig | None = None,
) -> Score:
    """Numbers of one take; all arrays (T, 52)."""
    rest = np.zeros_like(truth)
    compared, honesty = compare_weights(truth, weights, rate_hz), confidence_metrics(truth, weights, confidence)
    surface = surface_metrics(truth, weights, rig) if rig else None
    rest_surface = surface_metrics(truth, rest, rig) if rig else None
    return Score(
        seconds=len(truth) / rate_hz,
        mae=compared.mae,
        mae_observable=compared.mae_observable,
        r_observable=compared.r_observable,
        r=compared.r,
        lag_s=compared.lag_s,
        jitter_ratio=compared.jitter_ratio,
        confidence_mean=honesty.mean,
        share_within=honesty.share_within,
        calibration_error=honesty.calibration_error,
        face_mm=surface.face_mm if surface else None,
        lip_mm=surface.lip_mm if surface else None,
        rest_mae=float(np.abs(truth).mean()),
        rest_mae_observable=float(np.abs(truth[:, list(observability.OBSERVABLE)]).mean()),
        rest_face_mm=rest_surface.face_mm if rest_surface else None,
        rest_lip_mm=rest_surface.lip_mm if rest_surface else None,
    )


def evaluate_recording(tracker_factory: Callable[[], FaceTracker], recording: Recording, rig: FaceRig | None) -> Score:
    """Score one take with a tracker of its own, from the first to the last sample at which the true face moves.

    Rest before and after is for the calibration and earns no credit.
    """
    weights, confidence = estimate_take(tracker_factory(), recording)
    moved = moving_part(recording.weights)
    return score_take(recording.weights[moved], weights[moved], confidence[moved], recording.rate_hz, rig)


def moving_part(truth: NDArray[np.floating]) -> slice:
    """From the first to the last row of (T, 52) weights in which a weight is above 0.01; everything if none is."""
    rows = np.flatnonzero((truth > REST_WEIGHT).any(axis=1))
    return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, len(truth))


def evaluate(
    tracker_factory: Callable[[], FaceTracker],
    recordings: Iterable[Recording],
    rig: FaceRig | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Score takes, mean over the takes of a person, then over people.

    Raises:
        EvaluationError: there are no takes.
    """
    takes: dict[str, list[Score]] = {}
    for recording in recordings:
        if progress:
            progress(f"{recording.person} {recording.take}")
        takes.setdefault(recording.person, []).append(evaluate_recording(tracker_factory, recording, rig))
    if not takes:
        raise EvaluationError("expected at least one take to evaluate, found none")
    people = {person: mean_score(scores) for person, scores in sorted(takes.items())}
    return Evaluation(mean_score(list(people.values())), people)


def evaluate_model(
    model: Model,
    recordings: Iterable[Recording],
    rig: FaceRig | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Score a model folder on takes as a live node would run it.

    Raises:
        EvaluationError: there are no takes.
    """

    def tracker() -> FaceTracker:
        engine, _ = create_engine(model)
        return FaceTracker(model.description, engine)

    return evaluate(tracker, recordings, rig, progress)


def mean_score(scores: Sequence[Score]) -> Score:
    """Mean of every number, `seconds` summed; a shape's r over the scores that have it."""
    names = sorted({name for score in scores for name in score.r}, key=arkit.BLENDSHAPES.index)
    r = {name: float(np.mean([s.r[name] for s in scores if name in s.r])) for name in names}

    def mean(key: str) -> Any:
        values = [getattr(score, key) for score in scores]
        present = [v for v in values if v is not None and not math.isnan(v)]
        return float(np.mean(present)) if present else (None if key.endswith("_mm") else float("nan"))

    numbers = {key: mean(key) for key in Score.__dataclass_fields__ if key not in {"r", "seconds"}}
    return Score(seconds=sum(score.seconds for score in scores), r=r, **numbers)


def _without_nan(value: Any) -> Any:
    """NaN as null: NaN is not JSON."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
