"""What goes into the fuser and what comes out, free of ROS."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.face_state import FaceState
from face_model.observability import OBSERVABLE

Floats = NDArray[np.float64]

State = FaceState

SENSED: NDArray[np.bool_] = np.isin(np.arange(arkit.COUNT), OBSERVABLE)
"""(52,) shapes that sensors on skin can tell."""


@dataclass(frozen=True)
class SensorFace:
    """A face from the sensors.

    Attributes:
        time_s: stamp of the sample, s on the ROS clock.
        weights: (52,).
        confidence: (52,) 0 to 1.
        state: as the estimator tells it.
        observable: (52,) shapes that these sensors can tell.
    """

    time_s: float
    weights: NDArray[np.floating]
    confidence: NDArray[np.floating]
    state: State = State.TRACKING
    observable: NDArray[np.bool_] = field(default_factory=lambda: SENSED)


@dataclass(frozen=True)
class Picture:
    """A face from something else: a camera, a voice.

    Attributes:
        time_s: stamp, s on the ROS clock; the source's own lag is still in it.
        weights: (52,).
        seen: (52,) which of them the source measures.
        face_seen: whether there was a face at all.
        confidence: (52,) 0 to 1; 0 where the source tells none.
    """

    time_s: float
    weights: NDArray[np.floating]
    seen: NDArray[np.bool_]
    face_seen: bool = True
    confidence: NDArray[np.floating] = field(default_factory=lambda: np.zeros(arkit.COUNT))


@dataclass(frozen=True)
class FusedFace:
    """One face from all.

    Attributes:
        time_s: stamp of what it was made from: the sensors' sample, or the picture where there are none.
        weights: (52,) 0 or more.
        confidence: (52,) in 0 to 1.
        state: TRACKING where the sensors track; DEGRADED where another source stands in for them; else the sensors'.
        measured: (52,) whether some source measures the shape now.
        shares: (sources, 52) 0 to 1, what each source but the sensors has in the weight; the sensors have the rest.
        offsets: (52,) what is added for what the sources were apart on average.
    """

    time_s: float
    weights: Floats
    confidence: Floats
    state: State
    measured: NDArray[np.bool_]
    shares: Floats
    offsets: Floats
