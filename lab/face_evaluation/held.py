"""Expressions that are held: what is read after seconds, and what is left of it after minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import InferenceError
from face_model import arkit
from imu_sim.recording import Recording

FloatArray = NDArray[np.float64]

HELD_POSES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "smile": {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8},
        "frown": {"mouthFrownLeft": 0.7, "mouthFrownRight": 0.7},
        "jaw": {"jawOpen": 0.6},
        "brow raise": {"browInnerUp": 0.8, "browOuterUpLeft": 0.8, "browOuterUpRight": 0.8},
    }
)
"""Poses to hold, each alone."""

EARLY_S, LATE_S = 10.0, 300.0
"""When a held pose is read, s after it was reached."""

GOOD = 0.15
"""A reading this near to the truth is good."""

_READ_OVER_S = 1.0
_REACHED = 0.99


@dataclass(frozen=True)
class HeldReading:
    """One held pose as estimated; NaN for what lies after the end of the take.

    Attributes:
        pose: name.
        truth: true weight, mean over the pose's shapes, while it is held.
        early, late: estimate, mean over the pose's shapes and over the second up to `EARLY_S` and `LATE_S`.
        worst: largest distance of a single shape from its truth at either time.
        curve: (N,) estimate in each whole second since the pose was reached, mean over its shapes.
        lost: what the reading lost between early and late, of those who held it so long; None: early less late.
    """

    pose: str
    truth: float
    early: float
    late: float
    worst: float
    curve: FloatArray
    lost: float | None = None

    @property
    def bias(self) -> float:
        """Early reading less the truth."""
        return self.early - self.truth

    @property
    def late_bias(self) -> float:
        """Late reading less the truth."""
        return self.late - self.truth

    @property
    def decay(self) -> float:
        """What the reading lost between early and late."""
        return self.early - self.late if self.lost is None else self.lost

    @property
    def good(self) -> bool:
        """Whether every shape was read within `GOOD` at both times."""
        return self.worst <= GOOD


def read_held(pose: str, recording: Recording, weights: NDArray[np.floating]) -> HeldReading:
    """Read a held pose from estimated weights (T, 52).

    Raises:
        InferenceError: the true face never takes up the pose.
    """
    shapes = [arkit.INDEX[name] for name in HELD_POSES[pose]]
    target = np.array(list(HELD_POSES[pose].values()))
    there = np.flatnonzero((recording.weights[:, shapes] >= _REACHED * target).all(axis=1))
    second = round(_READ_OVER_S * recording.rate_hz)
    if len(there) < second:
        raise InferenceError(f"take {recording.take}: expected the pose {pose!r} to be held, found a face without it")
    held = slice(int(there[0]), int(there[-1]) + 1)
    truth, estimate = recording.weights[held][:, shapes], np.asarray(weights[held][:, shapes], dtype=np.float64)
    at = [_second_up_to(estimate, time_s, recording.rate_hz) for time_s in (EARLY_S, LATE_S)]
    whole = len(estimate) // second
    curve = estimate[: whole * second].reshape(whole, second, -1).mean(axis=(1, 2))
    off = [np.abs(reading - truth.mean(axis=0)).max() for reading in at if np.isfinite(reading).all()]
    return HeldReading(
        pose=pose,
        truth=float(truth.mean()),
        early=float(at[0].mean()),
        late=float(at[1].mean()),
        worst=float(max(off)) if off else float("nan"),
        curve=curve,
    )


def mean_reading(readings: Sequence[HeldReading]) -> HeldReading:
    """Mean of one pose's readings over subjects; `worst` is the worst of all.

    Some hold it for minutes, others until it was read once: the late reading, what was lost until then, and the curve,
    as long as the shortest of theirs, are those of the first.
    """
    long = [r for r in readings if np.isfinite(r.late)]
    curves = [r.curve for r in long or readings]
    shortest = min(len(curve) for curve in curves)
    return HeldReading(
        pose=readings[0].pose,
        truth=float(np.mean([r.truth for r in readings])),
        early=float(np.mean([r.early for r in readings])),
        late=float(np.mean([r.late for r in long])) if long else float("nan"),
        worst=float(np.max([r.worst for r in readings])),
        curve=np.mean([curve[:shortest] for curve in curves], axis=0),
        lost=float(np.mean([r.decay for r in long])) if long else float("nan"),
    )


def _second_up_to(estimate: FloatArray, time_s: float, rate_hz: float) -> FloatArray:
    """(shapes,) mean over the second that ends `time_s` after the pose was reached; NaN if it is not held so long."""
    end = round(time_s * rate_hz)
    if end > len(estimate):
        return np.full(estimate.shape[1], np.nan)
    return np.asarray(estimate[max(0, end - round(_READ_OVER_S * rate_hz)) : end].mean(axis=0))
