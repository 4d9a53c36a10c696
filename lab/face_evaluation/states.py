"""States of knowledge: what is known of a wearer beside the neutral, and what a model learns of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from face_evaluation.signals import Calibration, Labelled, Prompted, Signals
from face_evaluation.sources import Beside
from face_evaluation.takes import recorded_features
from face_inference.channels import Channels
from face_inference.errors import InferenceError, WearerError
from face_inference.model_folder import ModelDescription
from face_inference.mounts import NominalMounts
from face_inference.wearer.adapt import adapt, adapt_to_motion
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.observations import Observations
from face_inference.wearer.phone_rows import ROW_RATE_HZ, phone_rows
from face_inference.wearer.prior import Prior, WearerJacobian
from face_inference.wearer.worn import WORN_HZ, learn_worn
from face_model import routine
from imu_sim.recording import Recording

WearerState = Literal["neutral", "worn", "routine", "routine_worn", "phone", "phone_real"]
"""The neutral only; five minutes of unlabelled wear too; the guided routine; both; the routine and two minutes of
natural motion in front of a camera that sees the true weights; the same in front of one that errs as phones do."""

WEARER_STATES: tuple[WearerState, ...] = get_args(WearerState)

_ROUND_S = 20.0
"""One round of expectation-maximisation each so often, on all wear until then, as in a live node. As many rounds over
all of it at the end read worse: r after five minutes .71 in place of .77 on our head."""

Found = TypeVar("Found")


class MissingTakeError(InferenceError):
    """A state of knowledge asks for a take that is not there."""


@dataclass(frozen=True)
class Knowledge:
    """What is done beside the neutral.

    Attributes:
        routine: whether the guided routine was done.
        wear_s: unlabelled wear, s.
        labelled_s: natural motion in front of a camera, s.
        errs: whether that camera errs as a phone's does, on a clock of its own.
    """

    routine: bool = False
    wear_s: float = 0.0
    labelled_s: float = 0.0
    errs: bool = False


STATES: Mapping[WearerState, Knowledge] = MappingProxyType(
    {
        "neutral": Knowledge(),
        "worn": Knowledge(wear_s=300.0),
        "routine": Knowledge(routine=True),
        "routine_worn": Knowledge(routine=True, wear_s=300.0),
        "phone": Knowledge(routine=True, labelled_s=120.0),
        "phone_real": Knowledge(routine=True, labelled_s=120.0, errs=True),
    }
)
"""What each state means."""


def calibration_of(state: str, knowledge: Knowledge, beside: Beside, reference: str) -> Calibration:
    """What an estimator may learn the wearer from.

    Args:
        state: what it is called.
        knowledge: what is to be known.
        beside: gives the takes.
        reference: name of the sensor on the skull.

    Raises:
        InferenceError: there is nothing of the kind beside the take.
    """
    prompted: Prompted | None = None
    worn: tuple[Signals, ...] = ()
    seen: Labelled | None = None
    if knowledge.routine:
        take = _there(beside.routine(), "the wearer's guided routine", state)
        prompted = Prompted(Signals.of(take, reference), routine.schedule())
    if knowledge.wear_s:
        takes = _there(beside.wear(knowledge.wear_s), "unlabelled wear", state)
        worn = tuple(Signals.of(take, reference) for take in takes)
    if knowledge.labelled_s:
        view = _there(beside.labelled(knowledge.labelled_s, knowledge.errs), "motion beside a camera", state)
        seen = Labelled(Signals.of(view.recording, reference), view.time_s, view.weights, view.same_clock)
    return Calibration(state, prompted, worn, seen)


def _there(found: Found | None, what: str, state: str) -> Found:
    if found is None:
        raise MissingTakeError(
            f"expected {what} beside the take for the state {state!r}, found none; evaluate the state 'neutral', or "
            "build a data set whose recipe says `routine: true`"
        )
    return found


@dataclass(frozen=True)
class Learned:
    """What a model learned of a wearer.

    Attributes:
        wearer: what is known.
        notes: what could not be learned from, and why; the live node says the same and goes on without.
    """

    wearer: WearerJacobian
    notes: tuple[str, ...] = ()


def learned(description: ModelDescription, calibration: Calibration) -> Learned:
    """What a model learns as the live node does: the prompts, then the labelled motion, then wear.

    Raises:
        LayoutMismatchError: the model's reference sensor is not in a take.
    """
    prior, mounts = description.prior, description.mounts
    known, notes = prior.unknown_wearer, []
    prompts: LabelledRows | None = None
    if calibration.routine is not None:
        try:
            prompts = guided_rows(recorded_observations(calibration.routine.take, mounts)).rows
            known = adapt(prior, prompts, "prompts")
        except WearerError as error:
            notes.append(f"{calibration.routine.take.take}, {calibration.state}: prompts not learned: {error}")
    if calibration.labelled is not None:
        try:
            known = adapt_to_motion(prior, labelled_rows(mounts, prior, calibration.labelled), prompts)
        except WearerError as error:
            notes.append(f"{calibration.labelled.take.take}, {calibration.state}: labels not learned: {error}")
    if calibration.wear:
        known = _worn(mounts, prior, known, calibration.wear)
    return Learned(known, tuple(notes))


def labelled_rows(mounts: NominalMounts, prior: Prior, labelled: Labelled) -> LabelledRows:
    """Rows of natural motion at ten a second; clocks that differ are brought together by what the sensors felt.

    Raises:
        WearerError: the camera's weights and the sensors do not fit together.
        LayoutMismatchError: the model's reference sensor is not in the take.
    """
    observed = recorded_observations(labelled.take, mounts)
    if not labelled.same_clock:
        return phone_rows(observed, labelled.time_s, labelled.weights, prior).rows
    # Whoever sees the true weights knows rest as well, so that nothing is to be taken relative to its mean.
    rows = np.flatnonzero(observed.valid.any(axis=1))[:: max(1, round(labelled.take.rate_hz / ROW_RATE_HZ))]
    weights = [np.interp(observed.time_s[rows], labelled.time_s, column) for column in labelled.weights.T]
    known = np.stack(weights, axis=1)
    return LabelledRows(observed.values[rows].astype(np.float64), known, np.zeros_like(known), observed.valid[rows])


def _worn(mounts: NominalMounts, prior: Prior, known: WearerJacobian, takes: tuple[Signals, ...]) -> WearerJacobian:
    parts = []
    for take in takes:
        every = max(1, round(take.rate_hz / WORN_HZ))
        observed = recorded_observations(take, mounts)
        rows = slice(0, None, every)
        parts.append(observed.values[rows][observed.valid[rows].all(axis=1)])
    everything = np.concatenate(parts)
    every_sensor = np.ones(prior.observations, dtype=bool)
    step = round(_ROUND_S * WORN_HZ)
    for end in range(step, len(everything) + 1, step):
        known = learn_worn(prior, known, everything[:end], every_sensor)
    return known


def wearer_from_routine(mounts: NominalMounts, prior: Prior, take: Recording) -> WearerJacobian:
    """From a take of the guided routine, whose first frame is its start; its true weights are not looked at.

    Raises:
        WearerError: hardly a prompt moved the sensors.
        LayoutMismatchError: the model's reference sensor is not in the take.
    """
    return adapt(prior, guided_rows(recorded_observations(take, mounts)).rows, "prompts")


def wearer_from_phone(
    mounts: NominalMounts,
    prior: Prior,
    take: Recording,
    phone_time_s: NDArray[np.floating],
    phone_weights: NDArray[np.floating],
) -> WearerJacobian:
    """From any take and the weights (P, 52) that a phone saw meanwhile, at times (P,) of its own clock.

    Raises:
        WearerError: the two do not fit together.
        LayoutMismatchError: the model's reference sensor is not in the take.
    """
    rows = phone_rows(recorded_observations(take, mounts), phone_time_s, phone_weights, prior)
    return adapt(prior, rows.rows, "phone")


def recorded_observations(take: Recording | Signals, mounts: NominalMounts) -> Observations:
    """What the skin did in a take; time 0 is its first frame.

    Raises:
        LayoutMismatchError: the model's reference sensor is not in the take.
    """
    features = recorded_features(take, mounts)
    return Observations.of(features, Channels.of(mounts), np.arange(len(features)) / take.rate_hz)
