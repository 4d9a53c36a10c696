"""`imusic bench units`: one action unit after another on simulated wearers, and which unit leads in what is read.

Synthetic: a face shows one unit of FACS at a time, by the table of `face_affect.action_units`, on simulated skin under
simulated sensors. Held shapes are harder than moving ones, because nobody tells the network that they are over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_affect.action_units import READ, UNITS, action_units, leading
from face_evaluation.entrants import ModelEntrant
from face_evaluation.estimate import Estimator
from face_evaluation.motions import UNSEEN_SUBJECT
from face_evaluation.signals import NEUTRAL_S, Signals
from face_evaluation.sources import Simulated
from face_evaluation.states import STATES, WearerState, calibration_of
from face_inference.model_folder import load_model
from face_model import arkit
from face_model.observability import OBSERVABLE
from imu_sim.head_motion import HeadTrack
from imu_sim.motion import FaceMotion, ease
from imu_sim.performance.action_units import ACTION_UNITS, weights_of

KNOWN: tuple[WearerState, ...] = ("neutral", "routine")
"""States of knowledge that are measured."""

AMOUNT = 0.9
"""Of each unit; 1 is full."""

STILL_S, RISE_S, HOLD_S, REST_S = 8.0, 0.4, 1.2, 1.0
_EACH_S = 2.0 * RISE_S + HOLD_S + REST_S
MOTION_RATE_HZ, RATE_HZ = 60.0, 100.0
_SETTLED_S = 0.15
_STREAM = 0xA0
_SEEN = frozenset(arkit.BLENDSHAPES[i] for i in OBSERVABLE)

SCRIPT = tuple(unit for unit in UNITS if unit.code in READ and str(unit.code) in ACTION_UNITS)
"""Units in the order in which they are shown: not the gaze, and not lips that stay together over an open jaw."""
_ONE_SIDED = {30: {"jawLeft": 0.8}}


@dataclass(frozen=True)
class UnitRow:
    """One unit, of all subjects together, while it is held.

    Attributes:
        code, unit: FACS code and name.
        seen: whether IMUs on skin can see the first of its shapes.
        known: what is known of the wearer.
        leads: share of the subjects in which it is the strongest by mean intensity.
        intensity: mean, of `AMOUNT`.
        confidence: mean.
        strongest: code of the strongest unit, by mean intensity of all subjects.
        rest: mean intensity of this unit in the rests between all units.
    """

    code: int
    unit: str
    seen: bool
    known: str
    leads: float
    intensity: float
    confidence: float
    strongest: int
    rest: float


def script_motion(seed: int) -> FaceMotion:
    """Each unit of `SCRIPT` once, after `STILL_S` of rest, while the head moves as that of somebody who sits."""
    count = round((STILL_S + len(SCRIPT) * _EACH_S) * MOTION_RATE_HZ) + 1
    times = np.arange(count) / MOTION_RATE_HZ
    weights = np.zeros((count, arkit.COUNT))
    for i, unit in enumerate(SCRIPT):
        since = times - (STILL_S + i * _EACH_S)
        shown = ease(since / RISE_S) * ease((2.0 * RISE_S + HOLD_S - since) / RISE_S)
        weights += AMOUNT * shown[:, None] * weights_of(_ONE_SIDED.get(unit.code, unit.shapes))
    track = HeadTrack(times)
    calm = np.zeros(count)
    track.live(calm, 1.0, np.random.default_rng([seed, _STREAM]))
    orientation, position = track.pose()
    return FaceMotion(MOTION_RATE_HZ, weights, orientation, position, "one unit after another", f"wearer {seed}")


def held(i: int) -> slice:
    """Rows at `RATE_HZ` in which unit `i` of the script is held and the network has followed."""
    start_s = STILL_S + i * _EACH_S + RISE_S
    return slice(round((start_s + _SETTLED_S) * RATE_HZ), round((start_s + HOLD_S) * RATE_HZ))


def measure_units(
    subjects: int, model: str = "imusic", face: str = "head", progress: Callable[[str], object] = lambda _: None
) -> Iterator[UnitRow]:
    """A row for each unit and state of knowledge.

    Args:
        subjects: random people.
        model: a name or the path of a model folder.
        face: family of faces, as `load_family` takes it.
        progress: told of each subject.

    Raises:
        InferenceError: the model cannot be used.
        FaceModelError: a face cannot be read.
    """
    loaded = load_model(model)
    estimator = Estimator.of(loaded)
    entrant, mounts = ModelEntrant(estimator), loaded.description.mounts
    reference = mounts.names[mounts.reference]
    intensities: dict[str, list[NDArray[np.float64]]] = {state: [] for state in KNOWN}
    confidences: dict[str, list[NDArray[np.float64]]] = {state: [] for state in KNOWN}
    rests: dict[str, list[NDArray[np.float64]]] = {state: [] for state in KNOWN}
    observable = np.isin(np.arange(arkit.COUNT), list(OBSERVABLE))
    for seed in (UNSEEN_SUBJECT + i for i in range(subjects)):
        progress(f"subject {seed}")
        take = Simulated(script_motion(seed), face, seed, RATE_HZ).load()
        known = [entrant.learn(calibration_of(state, STATES[state], take.beside, reference)) for state in KNOWN]
        signals = replace(Signals.of(take.recording, reference), neutral=slice(0, round(NEUTRAL_S * RATE_HZ)))
        estimates = estimator.side_by_side(signals, [each.wearer for each in known])
        for state, (weights, confidence) in zip(KNOWN, estimates, strict=True):
            units = action_units(weights, confidence, observable)
            # What sensors cannot see leads nothing: face_hri publishes it as 0.
            intensity = units.intensity * (units.confidence > 0.0)
            rows = [held(i) for i in range(len(SCRIPT))]
            intensities[state].append(np.array([intensity[each].mean(axis=0) for each in rows]))
            confidences[state].append(np.array([units.confidence[each].mean(axis=0) for each in rows]))
            pause = round(0.5 * REST_S * RATE_HZ)
            between = [slice(each.start - round((RISE_S + _SETTLED_S) * RATE_HZ) - pause, None) for each in rows]
            between = [slice(each.start, each.start + pause) for each in between]
            rests[state].append(np.array([intensity[each].mean(axis=0) for each in between]))
    for state in KNOWN:
        yield from _rows(state, intensities[state], confidences[state], rests[state])


def _rows(
    state: str,
    intensity: Sequence[NDArray[np.float64]],
    confidence: Sequence[NDArray[np.float64]],
    rest: Sequence[NDArray[np.float64]],
) -> Iterator[UnitRow]:
    found, sure = np.mean(intensity, axis=0), np.mean(confidence, axis=0)
    for i, unit in enumerate(SCRIPT):
        lead = [bool(leading(each[i]) == unit.code) for each in intensity]
        first = next(iter(_ONE_SIDED.get(unit.code, unit.shapes)))
        yield UnitRow(
            unit.code,
            unit.name,
            bool({first, f"{first}Left"} & _SEEN),
            state,
            float(np.mean(lead)),
            float(found[i, unit.code]),
            float(sure[i, unit.code]),
            int(leading(found[i])),
            float(np.mean(rest, axis=(0, 1))[unit.code]),
        )
