"""A face whose samples stopped: how confidence and weights fall with its age."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from face_inference.face_estimate import FaceEstimate
from face_inference.tracker_params import TrackerParams
from face_model.face_state import FaceState


def faded(estimate: FaceEstimate, age_s: float, params: TrackerParams) -> FaceEstimate:
    """A face whose sample is so old, s: itself up to `stale_after_s`, then STALE and fading.

    Confidence falls to zero within `fade_s` from `stale_after_s` on; weights hold until `neutral_after_s` and then
    fall to neutral within `fade_s`.
    """
    if age_s <= params.stale_after_s:
        return estimate
    trust = _remaining(age_s - params.stale_after_s, params.fade_s)
    hold = _remaining(age_s - params.neutral_after_s, params.fade_s)
    return replace(
        estimate,
        state=FaceState.STALE,
        weights=estimate.weights * np.float32(hold),
        confidence=estimate.confidence * np.float32(trust),
    )


def _remaining(elapsed_s: float, duration_s: float) -> float:
    """1 before, then linearly to 0 within `duration_s`."""
    if elapsed_s <= 0.0:
        return 1.0
    return max(0.0, 1.0 - elapsed_s / duration_s) if duration_s > 0.0 else 0.0
