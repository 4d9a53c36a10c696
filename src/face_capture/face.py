"""What comes out of a capture: a face, its values by the names of the ARKit shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.face_estimate import FaceEstimate
from face_model import arkit, observability
from face_model.face_state import FaceState


class ShapeValues(Mapping[str, float]):
    """One value for each of the 52 ARKit shapes: by name, or all in `array`.

    Args:
        values: (52,) in the order of `face_model.arkit.BLENDSHAPES`; not copied.

    Attributes:
        array: (52,) float32, read-only.
    """

    __slots__ = ("array",)

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.array = values.view()
        self.array.flags.writeable = False

    def __getitem__(self, name: str) -> float:
        return float(self.array[arkit.INDEX[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(arkit.BLENDSHAPES)

    def __len__(self) -> int:
        return arkit.COUNT

    def __repr__(self) -> str:
        return f"ShapeValues({', '.join(f'{name}={value:.3f}' for name, value in self.items())})"


OBSERVABLE = frozenset(arkit.BLENDSHAPES[i] for i in observability.OBSERVABLE)


@dataclass(frozen=True, eq=False)
class Face:
    """A face at one sample time.

    Attributes:
        stamp_s: sample time, s on the host's monotonic clock (`time.monotonic`); of a recording, on the clock of the
            machine that recorded it.
        sequence: number of the sample as the hub counts.
        state: how far to trust it. CALIBRATING: the neutral is being learned, weights are 0. TRACKING: weights follow
            the wearer. DEGRADED: so they do, but sensors are missing or faulty. STALE: nothing has come lately;
            confidence falls, then weights do.
        weights: 0 neutral to 1; may pass 1 slightly as ARKit's do.
        confidence: 0 to 1, probability that the weight is within 0.1 of the truth, as the model sees it; of a
            shape that sensors cannot see at most how often that is so of recorded faces.
        observable: names of the shapes that IMUs on skin can see, at least in part; the weights of the others follow
            from what else the face does, or from nothing.
        head_orientation: (4,) quaternion x, y, z, w, head frame (x forward, y left, z up) to an earth frame with z up;
            heading zero is where the wearer looked while the neutral was learned, and drifts.
        latency_s: from the sample to this face, s; NaN for a recording.
    """

    stamp_s: float
    sequence: int
    state: FaceState
    weights: ShapeValues
    confidence: ShapeValues
    head_orientation: NDArray[np.float64]
    latency_s: float
    observable: frozenset[str] = OBSERVABLE


def face_of(estimate: FaceEstimate, stamp_s: float, latency_s: float) -> Face:
    """An estimate with the time of its sample."""
    return Face(
        stamp_s=stamp_s,
        sequence=estimate.sequence,
        state=estimate.state,
        weights=ShapeValues(estimate.weights),
        confidence=ShapeValues(estimate.confidence),
        head_orientation=estimate.head_orientation,
        latency_s=latency_s,
    )
