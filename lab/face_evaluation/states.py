"""What a model knows of the wearer: nothing but the neutral, or what a guided routine told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from face_evaluation.takes import recorded_features
from face_inference.channels import Channels
from face_inference.errors import InferenceError
from face_inference.model_folder import ModelDescription
from face_inference.mounts import NominalMounts
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.observations import Observations
from face_inference.wearer.phone_rows import phone_rows
from face_inference.wearer.prior import Prior, WearerJacobian
from imu_sim.recording import Recording


def wearer_from_routine(mounts: NominalMounts, prior: Prior, routine: Recording) -> WearerJacobian:
    """From a take of the guided routine, whose first frame is its start; its true weights are not looked at.

    Raises:
        WearerError: hardly a prompt moved the sensors.
        LayoutMismatchError: the model's reference sensor is not in the take.
    """
    return adapt(prior, guided_rows(recorded_observations(routine, mounts)).rows, "prompts")


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


def recorded_observations(recording: Recording, mounts: NominalMounts) -> Observations:
    """What the skin did in a take; time 0 is its first frame.

    Raises:
        LayoutMismatchError: the model's reference sensor is not in the take.
    """
    features = recorded_features(recording, mounts)
    return Observations.of(features, Channels.of(mounts), np.arange(len(features)) / recording.rate_hz)


WearerState = Literal["neutral", "routine", "phone"]
"""After the neutral only; after the guided routine; after the routine beside a phone that saw the true weights."""

WEARER_STATES: tuple[WearerState, ...] = get_args(WearerState)


def response_of(
    state: WearerState, description: ModelDescription, routine: Callable[[], Recording | None] | None
) -> WearerJacobian:
    """What a model knows of a wearer.

    Args:
        state: of acquaintance.
        description: of the model.
        routine: gives the wearer's guided routine, with the same gluing as the takes to come; called if it is needed.

    Raises:
        InferenceError: there is no routine to learn from.
        WearerError: the routine tells too little.
    """
    if state == "neutral":
        return description.prior.unknown_wearer
    take = routine() if routine is not None else None
    if take is None:
        raise InferenceError(
            f"expected the wearer's guided routine for the state {state!r}, found a take without one; "
            "evaluate the state 'neutral', or build a data set whose recipe says `routine: true`"
        )
    if state == "routine":
        return wearer_from_routine(description.mounts, description.prior, take)
    time_s = np.arange(len(take.weights)) / take.rate_hz
    return wearer_from_phone(description.mounts, description.prior, take, time_s, take.weights)
