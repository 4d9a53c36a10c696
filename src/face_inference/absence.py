"""How long each unit has been away: one that comes back after long may have begun with another heading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Absence:
    """Of `S` units.

    Attributes:
        samples: (S,) for how many samples each has been away; 0: it is there.
    """

    def __init__(self, units: int) -> None:
        self.samples: NDArray[np.int64] = np.zeros(units, np.int64)

    def follow(self, valid: NDArray[np.bool_], long: float) -> NDArray[np.bool_] | None:
        """The next sample's `valid` (S,); (S,) who came back after more than `long` samples, None where nobody did."""
        if not self.samples.any() and valid.all():
            return None
        back: NDArray[np.bool_] = (self.samples > long) & valid
        self.samples = np.where(valid, 0, self.samples + 1)
        return back if back.any() else None
