"""A new model on the test split of its data set, for each state of acquaintance with the wearer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from face_dataset.shards import ShardedDataset
from face_evaluation import HEADLINE, Estimator, Evaluation, TakeResult, grouped, score_recording
from face_evaluation.sources import RoutineOnly
from face_evaluation.states import STATES, WearerState, calibration_of, learned
from face_inference.model_folder import Model
from face_model.rig import FaceRig

_SCORED: tuple[WearerState, ...] = ("neutral", "routine")
"""What the takes of a data set tell; `imusic evaluate` simulates what the other states need."""


def score_test_split(model: Model, data: ShardedDataset, rig: FaceRig | None) -> dict[WearerState, Evaluation]:
    """Evaluations by state, as a live node would run; states that no take of the split allows are left out.

    The routines among the takes teach the wearer and are not scored themselves. `rig`: for errors in millimetres.
    """
    estimate = Estimator.of(model)
    results: dict[WearerState, list[TakeResult]] = {}
    for take in data.split("test"):
        if take.info.is_routine:
            continue
        recording, routine = take.recording(), data.routine_of(take)
        beside = RoutineOnly() if routine is None else RoutineOnly(routine.recording)
        mounts = model.description.mounts
        for state in _SCORED if routine is not None else _SCORED[:1]:
            calibration = calibration_of(state, STATES[state], beside, mounts.names[mounts.reference])
            wearer = learned(model.description, calibration).wearer
            results.setdefault(state, []).append(score_recording(recording, *estimate(recording, wearer), rig))
    return {state: grouped(found) for state, found in results.items()}


def numbers_of(evaluations: Mapping[WearerState, Evaluation]) -> dict[str, Any]:
    """Means over people, by state, for a model's description."""
    return {"states": {state: _rounded(evaluation) for state, evaluation in evaluations.items()}}


def _rounded(evaluation: Evaluation) -> dict[str, Any]:
    content = asdict(evaluation.overall)
    r = content.pop("r")
    numbers: dict[str, Any] = {
        key: round(value, 4)
        for key, value in content.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    return numbers | {"r": {name: round(r[name], 3) for name in HEADLINE if name in r}}
