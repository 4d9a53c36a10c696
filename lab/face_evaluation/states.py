"""What a model knows of the wearer: nothing but the neutral, or what a guided routine told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from face_evaluation.wearer_from_take import wearer_from_phone, wearer_from_routine
from face_inference.errors import InferenceError
from face_inference.model_folder import ModelDescription
from face_inference.wearer.prior import WearerJacobian
from imu_sim.recording import Recording

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
