"""How a wearer's skin answers to expressions: what is known of one person, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

Source = Literal["population", "prompts", "phone"]
"""Where a response comes from: everybody's mean, a guided routine, or one beside a phone that knew the weights."""


@dataclass(frozen=True)
class WearerResponse:
    """Posterior of one wearer's linear response: observation = response x weights + noise.

    The observation (D,) is the rotation vector (rad, `face_head` axes) of each of the K skin sensors relative to the
    skull, flattened from (K, 3): the channels `rotation` of `Channels`.

    Attributes:
        response: (D, 52) rad, mean rotation at weight 1.
        uncertainty: (D, D) rad^2, mean covariance that not knowing the response better adds to an observation.
        source: what it was learned from.
    """

    response: FloatArray
    uncertainty: FloatArray
    source: Source
