"""What goes into the tracker and what comes out, free of ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.face_state import FaceState
from face_model.saved_arrays import Arrays, SavedArrays, text_array

Float32Array = NDArray[np.float32]

_MOST_WEIGHT = 100.0
"""No network gives more than a little over 1."""


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

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return {
            "id": np.array(int(self.layout_id)),
            "names": text_array("\0".join(self.names)),
            "rate_hz": np.array(self.rate_hz),
        }

    @classmethod
    def from_saved(cls, saved: SavedArrays) -> InputLayout:
        """From `saved_state`; raises `SnapshotError`."""
        layout = cls(
            saved.whole("id", 0, (1 << 32) - 1),
            tuple(saved.text("names", 100_000).split("\0")),
            saved.number("rate_hz"),
        )
        saved.end()
        return layout


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
    state: FaceState
    weights: Float32Array
    confidence: Float32Array
    head_orientation: NDArray[np.float64]

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return {
            "sequence": np.array(int(self.sequence)),
            "state": np.array(int(self.state)),
            "weights": self.weights,
            "confidence": self.confidence,
            "head": self.head_orientation,
        }

    @classmethod
    def from_saved(cls, saved: SavedArrays) -> FaceEstimate:
        """From `saved_state`; raises `SnapshotError`."""
        estimate = cls(
            saved.whole("sequence", 0, (1 << 32) - 1),
            FaceState(saved.whole("state", 0, len(FaceState) - 1)),
            saved.array("weights", (arkit.COUNT,), "f4", most=_MOST_WEIGHT),
            saved.array("confidence", (arkit.COUNT,), "f4", most=1.0),
            saved.array("head", (4,), most=2.0),
        )
        saved.end()
        return estimate


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
        returns: times that hub or driver was restarted and headings were found again for the neutral that there was.
    """

    samples: int = 0
    lost: int = 0
    refused: int = 0
    masked: int = 0
    resets: int = 0
    not_finite: int = 0
    steps: int = 0
    returns: int = 0
