"""One take as the training sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Take:
    """Features and true weights of T ticks, mapped from disk.

    Attributes:
        person: who; nobody is both trained on and validated with.
        name: of the take.
        source: recorded file, `generated` or `routine`.
        wearer: the person with boards on the face: takes of one wearer share the Jacobian.
        channels: of the features.
        features: (T, F).
        weights: (T, 52).
    """

    person: str
    name: str
    source: str
    wearer: str
    channels: Channels
    features: Float32Array
    weights: Float32Array

    @property
    def is_routine(self) -> bool:
        """Whether the guided routine was done in it."""
        return self.source == "routine"


@dataclass(frozen=True)
class ValidationTake:
    """A take for one state of knowledge of its wearer: inputs (T, I), weights (T, 52)."""

    person: str
    name: str
    inputs: Float32Array
    weights: Float32Array
