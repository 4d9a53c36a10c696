"""What goes into the tracker and what comes out, free of ROS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class InputLayout:
    """Which sensors the frames hold: content of imusic/SensorLayout that the estimator needs.

    Attributes:
        layout_id: changes with every change of layout or hub.
        names: `S` names in the order of the frames' arrays.
        rate_hz: samples per second the hub sends.
    """

    layout_id: int
    names: tuple[str, ...]
    rate_hz: float


class TrackingState(IntEnum):
    """Values of FaceBlendshapes.state."""

    CALIBRATING = 0
    TRACKING = 1
    DEGRADED = 2
    STALE = 3


@dataclass(frozen=True)
class FaceEstimate:
    """A face at one sample time.

    Attributes:
        sequence: of the sample it was computed from.
        state: how far to trust it.
        weights: (52,) ARKit weights.
        confidence: (52,) probability that the weight is within 0.1 of the truth, as the model sees it; of a
            hidden shape (`face_model.observability.HIDDEN`) at most how often that is so of recorded faces.
        head_orientation: (4,) quaternion x, y, z, w, `face_head` to an earth frame with z up, heading arbitrary.
    """

    sequence: int
    state: TrackingState
    weights: Float32Array
    confidence: Float32Array
    head_orientation: NDArray[np.float64]


@dataclass
class TrackerCounters:
    """What happened since the tracker was made.

    Attributes:
        samples: taken in.
        lost: sequence numbers that never came.
        refused: samples of another layout, out of order, or of the wrong shape.
        masked: sensor samples not believable although the driver called them valid: out of range, saturated, or an
            orientation that leaps while the angular velocity says otherwise.
        resets: the network started anew (gap, reboot, layout, new neutral).
        not_finite: outputs of the network that were not numbers and were not published.
        steps: of the network.
    """

    samples: int = 0
    lost: int = 0
    refused: int = 0
    masked: int = 0
    resets: int = 0
    not_finite: int = 0
    steps: int = 0
