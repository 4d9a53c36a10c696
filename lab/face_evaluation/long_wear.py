"""Long wear: whether the error grows while headings drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_evaluation.metrics import OBSERVABLE
from face_inference.errors import InferenceError
from imu_sim.recording import Recording

FloatArray = NDArray[np.float64]

WINDOW_S = 60.0


@dataclass(frozen=True)
class LongWear:
    """Mean absolute errors of the observable weights during long wear.

    Attributes:
        first, last: over the first and the last minute, in which face and head do the same.
        minutes: (N,) over each minute; what the face does differs from minute to minute.
    """

    first: float
    last: float
    minutes: FloatArray

    @property
    def growth(self) -> float:
        """Last over first; 1.1 is 10 % more."""
        return self.last / self.first if self.first > 0.0 else float("nan")


def read_long_wear(recording: Recording, weights: NDArray[np.floating], rest_s: float) -> LongWear:
    """Errors of estimates (T, 52) of a take that begins and ends with the same minute.

    Args:
        recording: begins with `rest_s` of rest, which is not scored, then the minute.
        weights: estimated.
        rest_s: also the rest at the end, s.

    Raises:
        InferenceError: the take is too short to have a first and a last minute.
    """
    error = np.abs(np.asarray(weights, dtype=np.float64) - recording.weights)[:, OBSERVABLE].mean(axis=1)
    rest, window = round(rest_s * recording.rate_hz), round(WINDOW_S * recording.rate_hz)
    scored = error[rest : len(error) - rest]
    if len(scored) < 2 * window - 1:
        raise InferenceError(
            f"take {recording.take}: expected at least {2 * WINDOW_S:g} s besides rest, "
            f"found {len(scored) / recording.rate_hz:.0f} s"
        )
    minutes = np.array([part.mean() for part in np.array_split(scored, round(len(scored) / window))])
    return LongWear(float(scored[:window].mean()), float(scored[-window:].mean()), minutes)


def mean_long_wear(parts: Sequence[LongWear]) -> LongWear:
    """Mean over subjects, as long as the shortest."""
    shortest = min(len(part.minutes) for part in parts)
    return LongWear(
        first=float(np.mean([part.first for part in parts])),
        last=float(np.mean([part.last for part in parts])),
        minutes=np.mean([part.minutes[:shortest] for part in parts], axis=0),
    )
