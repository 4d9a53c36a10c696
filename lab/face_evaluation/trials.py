"""One take through every model, in this process or by workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_dataset.workers import done_by
from face_evaluation import REST_POSE, Estimator, TakeResult, moving_part, rest_pose, score_recording
from face_evaluation.ablation import ALL_SENSORS, dead_in_turn, fewer_and_fewer, without
from face_evaluation.held import HeldReading, read_held
from face_evaluation.long_wear import LongWear, read_long_wear
from face_evaluation.sources import Loaded, Source
from face_evaluation.states import WearerState, response_of
from face_inference.errors import WearerError
from face_inference.model_folder import load_model
from face_inference.wearer.prior import WearerJacobian
from imu_sim.hub.server import RECORDED_REST_S
from imu_sim.recording import Recording

TAKES, SENSORS, PLACEMENT, HELD, LONG_WEAR, EXAMPLE = "takes", "sensors", "placement", "held", "long wear", "example"
"""What an outcome is about."""

EXAMPLES = 6
"""Moments of a take that are kept to be looked at."""


@dataclass(frozen=True)
class Contestant:
    """A model in one state of acquaintance with the wearer.

    Attributes:
        model: folder.
        title: shown in tables.
        state: what it knows of the wearer.
    """

    model: Path
    title: str
    state: WearerState


@dataclass(frozen=True)
class Trial:
    """One take to be put through every contestant.

    Attributes:
        about: one of `TAKES`, `SENSORS` (a take, also with sensors missing), `PLACEMENT`, `HELD`, `LONG_WEAR`.
        title: of the variant: the pose, or the placement.
        source: of the take.
    """

    about: str
    title: str
    source: Source


@dataclass(frozen=True)
class Example:
    """Moments of a take.

    Attributes:
        take: name.
        face: whose people wear it, as `load_family` takes it; empty if unknown.
        weights: (N, 52), true ones where the contestant is `TRUTH`.
    """

    take: str
    face: str
    weights: NDArray[np.float32]


TRUTH = "truth"

Value = TakeResult | HeldReading | LongWear | Example


@dataclass(frozen=True)
class TrialOutcome:
    """What one contestant did in one trial.

    Attributes:
        about: see `Trial`, or `EXAMPLE`.
        title: of the variant.
        contestant: its title, `REST_POSE`, or `TRUTH`.
        value: numbers.
        note: what went otherwise than asked, for the reader; usually empty.
    """

    about: str
    title: str
    contestant: str
    value: Value
    note: str = ""


def run_trial(trial: Trial, contestants: Sequence[Contestant]) -> list[TrialOutcome]:
    """Load the take once, and put it through every contestant."""
    loaded = trial.source.load()
    outcomes: list[TrialOutcome] = []
    if trial.about in (TAKES, SENSORS, PLACEMENT):
        about = PLACEMENT if trial.about == PLACEMENT else TAKES
        rest = rest_pose(loaded.recording, loaded.rig, loaded.geometry)
        outcomes.append(TrialOutcome(about, trial.title, REST_POSE, rest))
        if about == TAKES:
            moments = telling_moments(loaded.recording)
            outcomes.append(_example(loaded, loaded.recording.weights, moments, TRUTH))
    for contestant in contestants:
        estimate = _estimator(contestant.model)
        wearer, note = _acquainted(estimate, contestant.state, loaded)
        outcomes += [
            TrialOutcome(about, title, contestant.title, value, note)
            for about, title, value in _values(trial, loaded, estimate, wearer)
        ]
    return outcomes


def telling_moments(recording: Recording) -> NDArray[np.intp]:
    """Rows of the strongest true face in each of `EXAMPLES` equal parts of the take."""
    moved = moving_part(recording.weights)
    rows = np.arange(len(recording.weights))[moved]
    strength = np.abs(recording.weights).sum(axis=1)
    parts = [part for part in np.array_split(rows, EXAMPLES) if len(part)]
    return np.array([part[int(np.argmax(strength[part]))] for part in parts])


def _values(
    trial: Trial, loaded: Loaded, estimate: Estimator, wearer: WearerJacobian
) -> Iterator[tuple[str, str, Value]]:
    weights, confidence = estimate(loaded.recording, wearer)
    if trial.about == HELD:
        yield HELD, trial.title, read_held(trial.title, loaded.recording, weights)
    elif trial.about == LONG_WEAR:
        yield LONG_WEAR, trial.title, read_long_wear(loaded.recording, weights, RECORDED_REST_S)
    else:
        result = score_recording(loaded.recording, weights, confidence, loaded.rig, loaded.geometry)
        yield PLACEMENT if trial.about == PLACEMENT else TAKES, trial.title, result
        if trial.about != PLACEMENT:
            moments = telling_moments(loaded.recording)
            yield EXAMPLE, "", Example(loaded.recording.take, loaded.face, weights[moments])
        if trial.about == SENSORS:
            yield SENSORS, ALL_SENSORS, result
            yield from _with_sensors_missing(loaded, estimate, wearer)


def _with_sensors_missing(
    loaded: Loaded, estimate: Estimator, wearer: WearerJacobian
) -> Iterator[tuple[str, str, Value]]:
    mounts = estimate.description.mounts
    names, reference = loaded.recording.sensor_names, mounts.names[mounts.reference]
    for title, missing in (*dead_in_turn(names, reference), *fewer_and_fewer(names, reference)):
        recording = without(loaded.recording, missing)
        result = score_recording(recording, *estimate(recording, wearer), loaded.rig, loaded.geometry)
        yield SENSORS, title, result


def _example(loaded: Loaded, weights: NDArray[np.float32], rows: NDArray[np.intp], name: str) -> TrialOutcome:
    return TrialOutcome(EXAMPLE, "", name, Example(loaded.recording.take, loaded.face, weights[rows]))


def _acquainted(estimate: Estimator, state: WearerState, loaded: Loaded) -> tuple[WearerJacobian, str]:
    """What is known of the wearer, as by the live node: a routine that tells too little changes nothing."""
    try:
        return response_of(state, estimate.description, loaded.routine), ""
    except WearerError as error:
        anybody = estimate.description.prior.unknown_wearer
        return anybody, f"{loaded.recording.take}, {state}: wearer not learned: {error}"


@lru_cache(maxsize=8)
def _estimator(model: Path) -> Estimator:
    return Estimator.of(load_model(model))


def run_trials(
    trials: Sequence[Trial], contestants: Sequence[Contestant], workers: int = 1
) -> Iterator[list[TrialOutcome]]:
    """Outcomes of each trial as it is finished; one worker is this process.

    Raises:
        InferenceError, FaceModelError: a model, motion or take cannot be used.
        ImuSimError: the same, or a worker was ended.
    """
    # One subject after the other, so that each is drawn once and learned once.
    ordered = sorted(trials, key=lambda trial: trial.source.subject)
    return done_by(partial(run_trial, contestants=contestants), ordered, workers if workers > 1 else 0)
