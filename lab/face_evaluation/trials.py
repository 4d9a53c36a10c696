"""One take through everybody who takes part, in this process or by workers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_dataset.workers import done_by
from face_evaluation import REST_POSE, TakeResult, moving_part, rest_pose, score_recording
from face_evaluation.ablation import ALL_SENSORS, dead_in_turn, fewer_and_fewer, without
from face_evaluation.entrants import (
    Entrant,
    EntrantSpec,
    Estimated,
    entrant_of,
    estimates,
    reference_of,
    takes_part,
)
from face_evaluation.held import HeldReading, read_held
from face_evaluation.long_wear import LongWear, read_long_wear
from face_evaluation.signals import Signals
from face_evaluation.sources import Loaded, Source
from face_evaluation.states import STATES, Knowledge, Learned, MissingTakeError, WearerState, calibration_of
from face_inference.errors import WearerError
from imu_sim.hub.server import RECORDED_REST_S
from imu_sim.recording import Recording

TAKES, SENSORS, PLACEMENT, HELD, LONG_WEAR, EXAMPLE = "takes", "sensors", "placement", "held", "long wear", "example"
REGLUED, WEAR_CURVE, LABEL_CURVE, NOTE = "glued anew", "minutes of wear", "seconds of labels", "note"
"""What an outcome is about."""

EXAMPLES = 6
"""Moments of a take that are kept to be looked at."""

Line = tuple[tuple[float, Knowledge], ...]
"""Points of a curve: where, and what is known there."""

_WEAR_MIN = (0.0, 1.0, 2.0, 5.0, 10.0)
_LABELLED_S = (0.0, 15.0, 30.0, 60.0, 120.0, 180.0)

CURVES: Mapping[str, Mapping[str, Line]] = MappingProxyType(
    {
        WEAR_CURVE: {
            "neutral": tuple((at, Knowledge(wear_s=60.0 * at)) for at in _WEAR_MIN),
            "routine": tuple((at, Knowledge(routine=True, wear_s=60.0 * at)) for at in _WEAR_MIN),
        },
        LABEL_CURVE: {
            "true labels": tuple((at, Knowledge(routine=True, labelled_s=at)) for at in _LABELLED_S),
            "phone": tuple((at, Knowledge(routine=True, labelled_s=at, errs=True)) for at in _LABELLED_S),
        },
    }
)
"""Lines of each curve; labelled motion comes after the routine."""

_KEPT = 64


@dataclass(frozen=True)
class Contestant:
    """An entrant in one state of knowledge of the wearer.

    Attributes:
        entrant: who.
        name: of the entrant, shown in tables.
        state: what it knows of the wearer.
        if_possible: whether takes that lack what the state asks for are left out, and not an error.
    """

    entrant: EntrantSpec
    name: str
    state: WearerState
    if_possible: bool = False

    @property
    def title(self) -> str:
        """Of the two."""
        return f"{self.name}, {self.state}"


@dataclass(frozen=True)
class Trial:
    """One take to be put through every contestant.

    Attributes:
        about: one of `TAKES`, `SENSORS` (a take, also with sensors missing), `PLACEMENT`, `HELD`, `LONG_WEAR`,
            `REGLUED`, `WEAR_CURVE`, `LABEL_CURVE`.
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

Value = TakeResult | HeldReading | LongWear | Example | None


@dataclass(frozen=True)
class TrialOutcome:
    """What one contestant did in one trial.

    Attributes:
        about: see `Trial`, or `EXAMPLE`, or `NOTE`.
        title: of the variant, or of the line of a curve.
        contestant: its title, `REST_POSE`, or `TRUTH`; of curves the entrant's name.
        value: numbers; None for a note alone.
        note: what went otherwise than asked, for the reader; usually empty.
        family: whose people wear the sensors.
        at: where on a curve.
    """

    about: str
    title: str
    contestant: str
    value: Value
    note: str = ""
    family: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class _Known:
    """What an entrant learned, for whom it is shown, and where on which line it stands; `_NOBODY`: it has no part."""

    shown: str
    known: Any
    note: str = ""
    line: str = ""
    at: float = 0.0


def run_trial(trial: Trial, contestants: Sequence[Contestant]) -> list[TrialOutcome]:
    """Load the take once, and put it through every contestant.

    Raises:
        MissingTakeError: there is nothing to learn from as a contestant's state asks.
    """
    loaded = trial.source.load()
    outcomes: list[TrialOutcome] = []
    if trial.about in (TAKES, SENSORS, PLACEMENT, REGLUED):
        about = TAKES if trial.about == SENSORS else trial.about
        rest = rest_pose(loaded.recording, loaded.rig, loaded.geometry)
        outcomes.append(TrialOutcome(about, trial.title, REST_POSE, rest, family=loaded.geometry))
        if about == TAKES:
            moments = telling_moments(loaded.recording)
            outcomes.append(_example(loaded, loaded.recording.weights, moments, TRUTH))
    for spec, group in groupby(contestants, key=lambda contestant: contestant.entrant):
        outcomes += _by_entrant(trial, loaded, spec, list(group))
    return outcomes


def _by_entrant(
    trial: Trial, loaded: Loaded, spec: EntrantSpec, contestants: Sequence[Contestant]
) -> Iterator[TrialOutcome]:
    entrant = entrant_of(spec)
    knowns = [_learned(loaded, spec, entrant, asked) for asked in _asked(trial, contestants)]
    yield from (TrialOutcome(NOTE, "", each.shown, None, each.note) for each in knowns if each.note)
    able = [each for each in knowns if each.known is not _NOBODY]
    if able:
        for about, title, each, value in _values(trial, loaded, spec, entrant, able):
            yield TrialOutcome(about, title or each.line, each.shown, value, "", loaded.geometry, each.at)


@dataclass(frozen=True)
class _Asked:
    """What an entrant is to know, how it is shown, and whether the take may be left out where that cannot be."""

    shown: str
    state: str
    knowledge: Knowledge
    if_possible: bool
    line: str = ""
    at: float = 0.0


def _asked(trial: Trial, contestants: Sequence[Contestant]) -> list[_Asked]:
    if trial.about in CURVES:
        return [
            _Asked(contestants[0].name, f"{line}, {at:g} {trial.about}", knowledge, False, line, at)
            for line, points in CURVES[trial.about].items()
            for at, knowledge in points
        ]
    return [_Asked(c.title, c.state, STATES[c.state], c.if_possible) for c in contestants]


def _learned(loaded: Loaded, spec: EntrantSpec, entrant: Entrant, asked: _Asked) -> _Known:
    """What is known of the wearer, as by the live node: what tells too little changes nothing."""

    def known(found: Any, note: str = "") -> _Known:
        return _Known(asked.shown, found, note, asked.line, asked.at)

    # A model learns the same with its network and without.
    who = spec.where if spec.kind in ("model", "linear") else spec
    key = None if loaded.beside.key is None else (who, asked.knowledge, loaded.beside.key)
    if key is not None and key in _KNOWN:
        return known(_KNOWN[key])
    try:
        calibration = calibration_of(asked.state, asked.knowledge, loaded.beside, reference_of(spec))
        found = entrant.learn(calibration) if takes_part(entrant, calibration) else _NOBODY
    except MissingTakeError:
        if not asked.if_possible:
            raise
        return known(_NOBODY, f"{loaded.recording.take}: nothing beside it to learn from as {asked.state!r} asks")
    except WearerError as error:
        return known(_NOBODY, f"{loaded.recording.take}, {asked.shown}: wearer not learned: {error}")
    note = "; ".join(found.notes) if isinstance(found, Learned) else ""
    if key is not None:
        if len(_KNOWN) >= _KEPT:
            _KNOWN.clear()
        _KNOWN[key] = found
    return known(found, note)


_NOBODY: Any = object()
"""What is known by an entrant that takes no part in a state; None may be anything's knowledge."""

_KNOWN: dict[Hashable, Any] = {}
"""Of the subjects that were last met: learning takes longer than estimating a take."""


def telling_moments(recording: Recording) -> NDArray[np.intp]:
    """Rows of the strongest true face in each of `EXAMPLES` equal parts of the take."""
    moved = moving_part(recording.weights)
    rows = np.arange(len(recording.weights))[moved]
    strength = np.abs(recording.weights).sum(axis=1)
    parts = [part for part in np.array_split(rows, EXAMPLES) if len(part)]
    return np.array([part[int(np.argmax(strength[part]))] for part in parts])


def _values(
    trial: Trial, loaded: Loaded, spec: EntrantSpec, entrant: Entrant, knowns: Sequence[_Known]
) -> Iterator[tuple[str, str, _Known, Value]]:
    recording, about = loaded.recording, TAKES if trial.about == SENSORS else trial.about
    for each, (weights, confidence) in zip(knowns, _estimated(recording, spec, entrant, knowns), strict=True):
        if about == HELD:
            yield HELD, trial.title, each, read_held(trial.title, recording, weights)
        elif about == LONG_WEAR:
            yield LONG_WEAR, trial.title, each, read_long_wear(recording, weights, RECORDED_REST_S)
        else:
            result = score_recording(recording, weights, confidence, loaded.rig, loaded.geometry)
            yield about, trial.title, each, result
            if about == TAKES:
                moments = telling_moments(recording)
                yield EXAMPLE, "", each, Example(recording.take, loaded.face, weights[moments])
            if trial.about == SENSORS:
                yield SENSORS, ALL_SENSORS, each, result
    if trial.about == SENSORS:
        names, reference = recording.sensor_names, reference_of(spec)
        for title, missing in (*dead_in_turn(names, reference), *fewer_and_fewer(names, reference)):
            less = without(recording, missing)
            for each, estimate in zip(knowns, _estimated(less, spec, entrant, knowns), strict=True):
                yield SENSORS, title, each, score_recording(less, *estimate, loaded.rig, loaded.geometry)


def _estimated(recording: Recording, spec: EntrantSpec, entrant: Entrant, knowns: Sequence[_Known]) -> list[Estimated]:
    take = Signals.of(recording, reference_of(spec))
    return estimates(entrant, take, [each.known for each in knowns])


def _example(loaded: Loaded, weights: NDArray[np.float32], rows: NDArray[np.intp], name: str) -> TrialOutcome:
    example = Example(loaded.recording.take, loaded.face, weights[rows])
    return TrialOutcome(EXAMPLE, "", name, example, family=loaded.geometry)


def run_trials(
    trials: Sequence[Trial], contestants: Sequence[Contestant], workers: int = 1
) -> Iterator[list[TrialOutcome]]:
    """Outcomes of each trial as it is finished; one worker is this process.

    Raises:
        InferenceError, FaceModelError: a model, motion or take cannot be used.
        ImuSimError: the same, or a worker was ended.
    """
    # One subject after the other, and each by one worker, so that it is drawn once and learned once.
    ordered = sorted(trials, key=lambda trial: trial.source.subject)
    if workers <= 1:
        yield from map(partial(run_trial, contestants=contestants), ordered)
        return
    jobs = [list(group) for _, group in groupby(ordered, key=lambda trial: trial.source.subject)]
    for outcomes in done_by(partial(_run_all, contestants=contestants), jobs, workers):
        yield from outcomes


def _run_all(trials: Sequence[Trial], contestants: Sequence[Contestant]) -> list[list[TrialOutcome]]:
    return [run_trial(trial, contestants) for trial in trials]
