"""What the skin did over a stretch of time, as the wearer's model sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.errors import WearerError


@dataclass(frozen=True)
class Observations:
    """T moments of D observation channels, see `WearerJacobian`.

    Attributes:
        time_s: (T,) increasing; steps may differ, since frames get lost.
        values: (T, D) rad.
        valid: (T, D) bool, whether the channel's sensor was seen.
    """

    time_s: NDArray[np.float64]
    values: NDArray[np.float32]
    valid: NDArray[np.bool_]

    def __post_init__(self) -> None:
        count = len(self.time_s)
        if self.values.shape != self.valid.shape or self.values.shape[:1] != (count,) or self.values.ndim != 2:
            raise WearerError(
                f"expected values and validity of one shape (T, D) for {count} times, "
                f"found {self.values.shape} and {self.valid.shape}"
            )
        if not (np.isfinite(self.time_s).all() and np.isfinite(self.values[self.valid]).all()):
            raise WearerError("expected finite times and observations, found NaN or infinity; record it again")
        if (np.diff(self.time_s) <= 0.0).any():
            raise WearerError("expected increasing times of the observations, found a step back; record it again")

    @classmethod
    def of(cls, features: NDArray[np.floating], channels: Channels, time_s: NDArray[np.floating]) -> Observations:
        """From features (T, F) at times (T,)."""
        return cls(
            np.asarray(time_s, dtype=np.float64),
            np.asarray(features[:, channels.skin_block("rotation")], dtype=np.float32),
            channels.observed(features),
        )

    def between(self, start_s: float, end_s: float) -> Observations:
        """The part from `start_s` to before `end_s`."""
        rows = slice(*np.searchsorted(self.time_s, [start_s, end_s]).tolist())
        return Observations(self.time_s[rows], self.values[rows], self.valid[rows])
