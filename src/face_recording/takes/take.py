"""The faces of one wearer over time: what every export is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_recording.takes.errors import TakeError

NS: Final = 1_000_000_000
CALIBRATING, TRACKING, DEGRADED, STALE = range(4)
STATES: Final = ("calibrating", "tracking", "degraded", "stale")
"""In words; the place of each is its value in FaceBlendshapes.state."""

GAP_S: Final = 0.25
"""Between two faces further apart than this nothing is made up: the last one is held, and said to be. As for phones."""

TEXTS: Final = ("name", "wearer", "notes", "created", "model", "namespace", "frame_id")
ARRAYS: Final = MappingProxyType(
    {
        "stamps_ns": (np.dtype(np.int64), ()),
        "sequence": (np.dtype(np.uint32), ()),
        "state": (np.dtype(np.uint8), ()),
        "weights": (np.dtype(np.float32), (arkit.COUNT,)),
        "confidence": (np.dtype(np.float32), (arkit.COUNT,)),
        "observable": (np.dtype(np.bool_), (arkit.COUNT,)),
        "head_orientation": (np.dtype(np.float64), (4,)),
        "age": (np.dtype(np.float32), ()),
        "held": (np.dtype(np.bool_), ()),
    }
)
"""Type of each array and its shape after the first axis, which is that of the faces."""


@dataclass(frozen=True, eq=False)
class Take:
    """`N` faces of one wearer, in the order in which they were published.

    Attributes:
        stamps_ns: (N,) int64, time of the IMU sample of each, ns of ROS time.
        sequence: (N,) uint32, ImuFrame.sequence of that sample.
        state: (N,) uint8, values of `FaceBlendshapes.state`, see `STATES`.
        weights: (N, 52) float32, in `arkit.BLENDSHAPES` order.
        confidence: (N, 52) float32.
        observable: (N, 52) bool.
        head_orientation: (N, 4) float64, quaternion x, y, z, w, `face_head` to earth, z up.
        age: (N,) float32, s, from sample to publishing.
        held: (N,) bool, whether this is the face before, repeated where none was recorded; never so as recorded.
        name: of the take, in words; its folder's name if it has none.
        wearer: who; empty if unknown.
        notes: free text.
        created: ISO 8601, or empty.
        model: name and version of the model; several, in their order, joined by ", ".
        namespace: ROS namespace without slashes at its ends; empty for none.
        frame_id: head frame of the wearer.
    """

    stamps_ns: NDArray[np.int64]
    sequence: NDArray[np.uint32]
    state: NDArray[np.uint8]
    weights: NDArray[np.float32]
    confidence: NDArray[np.float32]
    observable: NDArray[np.bool_]
    head_orientation: NDArray[np.float64]
    age: NDArray[np.float32]
    held: NDArray[np.bool_]
    name: str = ""
    wearer: str = ""
    notes: str = ""
    created: str = ""
    model: str = ""
    namespace: str = ""
    frame_id: str = ""

    def __post_init__(self) -> None:
        count = len(self.stamps_ns)
        for key, (kind, rest) in ARRAYS.items():
            array = getattr(self, key)
            if array.dtype != kind or array.shape != (count, *rest):
                raise TakeError(
                    f"{key}: expected {kind} of shape {(count, *rest)}, found {array.dtype} of {array.shape}; "
                    "the file is another's, or damaged"
                )

    def __len__(self) -> int:
        return len(self.stamps_ns)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) s since the first face."""
        return (self.stamps_ns - self.stamps_ns[:1]) / NS

    @property
    def duration_s(self) -> float:
        """From the first face to the last, s."""
        return (int(self.stamps_ns[-1]) - int(self.stamps_ns[0])) / NS if len(self) else 0.0

    @property
    def rate_hz(self) -> float:
        """Faces per second by the median step; 0 where there are not two."""
        step = float(np.median(np.diff(self.stamps_ns))) if len(self) > 1 else 0.0
        return NS / step if step > 0.0 else 0.0

    def rows(self, which: Any) -> Take:
        """Some of the faces: a slice, indices or a mask."""
        return replace(self, **{key: getattr(self, key)[which] for key in ARRAYS})

    def same_as(self, other: Take) -> bool:
        """Whether all texts and all arrays are equal, bit for bit."""
        return all(getattr(self, key) == getattr(other, key) for key in TEXTS) and all(
            getattr(self, key).tobytes() == getattr(other, key).tobytes() for key in ARRAYS
        )

    def ordered(self) -> Take:
        """Without the faces that are not later than all before them: a clock that was set, or a bag played twice."""
        if not len(self):
            return self
        newest = np.maximum.accumulate(self.stamps_ns)
        later = np.concatenate([[True], self.stamps_ns[1:] > newest[:-1]])
        return self if later.all() else self.rows(later)

    def rising(self) -> tuple[Take, NDArray[np.float32]]:
        """In order, and the times (N,) float32, s, for files in which each must be later than the one before.

        Without the faces whose time single precision cannot tell from the one before.
        """
        take = self.ordered()
        times = take.times_s.astype(np.float32)
        keep = np.concatenate([[True], np.diff(times) > 0.0]) if len(take) else np.zeros(0, dtype=np.bool_)
        return take.rows(keep), times[keep]

    def cut(self, start_s: float = 0.0, end_s: float | None = None) -> Take:
        """Faces from `start_s` up to but not at `end_s`, s after the first face.

        Raises:
            TakeError: nothing lies there.
        """
        check_span(start_s, end_s)
        if start_s <= 0.0 and end_s is None:
            return self
        if not len(self):
            raise TakeError("expected faces to cut from, found none in this take")
        since = self.stamps_ns - self.stamps_ns[0]
        inside = since >= round(start_s * NS)
        if end_s is not None:
            inside &= since < round(end_s * NS)
        if not inside.any():
            until = "its end" if end_s is None else f"{end_s:g} s"
            raise TakeError(
                f"expected faces from {start_s:g} s to {until}, found none: the take has {self.duration_s:.2f} s; "
                "give times within it"
            )
        return self.rows(inside)


def check_span(start_s: float, end_s: float | None) -> None:
    """Whether times can be those of a cut.

    Raises:
        TakeError: they run backwards, or are no times.
    """
    if not 0.0 <= start_s < 1e9 or (end_s is not None and not start_s < end_s < 1e9):
        until = "the take's end" if end_s is None else f"end {end_s:g}"
        raise TakeError(f"expected 0 <= start < end, found start {start_s:g} and {until}; give s from the first face")


def resampled(take: Take, fps: float) -> Take:
    """Faces at even times from the first on: between two recorded ones in proportion, over a gap the last one, held.

    Args:
        take: two faces or more.
        fps: faces per second.

    Raises:
        TakeError: a rate that is none, or hardly any faces.
    """
    if not 1.0 <= fps <= 1000.0:
        raise TakeError(f"expected 1 to 1000 frames per second, found {fps:g}")
    take = take.ordered()
    if len(take) < 2:
        raise TakeError(f"expected two faces or more, found {len(take)}; nothing lies between them")
    since = take.stamps_ns - take.stamps_ns[0]
    count = int(since[-1] * fps / NS + 1e-6) + 1
    if count > 50_000_000:
        raise TakeError(f"expected a take of up to some days, found {since[-1] / NS:.0f} s; its clock was set: trim it")
    at = np.minimum(np.round(np.arange(count) * (NS / fps)).astype(np.int64), since[-1])
    before = np.searchsorted(since, at, side="right") - 1
    after = np.minimum(before + 1, len(since) - 1)
    step = since[after] - since[before]
    held = (step > GAP_S * NS) & (at > since[before])
    share = np.where(held, 0.0, (at - since[before]) / np.maximum(step, 1)).astype(np.float32)

    def between(values: NDArray[np.float32]) -> NDArray[np.float32]:
        first = values[before]
        with np.errstate(invalid="ignore"):  # what is no number stays none
            moved = first + (values[after] - first) * share[:, None]
        return np.asarray(np.where(share[:, None] == 0.0, first, moved))

    return replace(
        take.rows(before),
        stamps_ns=take.stamps_ns[0] + at,
        weights=between(take.weights),
        confidence=between(take.confidence),
        head_orientation=_turned(take.head_orientation[before], take.head_orientation[after], share.astype(np.float64)),
        held=take.held[before] | held,
    )


def _turned(first: NDArray[np.float64], last: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between two orientations in proportion, along the shorter way; steps are small, so the chord serves."""
    sign = np.where(np.sum(first * last, axis=1) < 0.0, -1.0, 1.0)[:, None]
    mixed = first + (last * sign - first) * share[:, None]
    length = np.linalg.norm(mixed, axis=1, keepdims=True)
    sound = (length > 1e-6) & (share[:, None] > 0.0)
    return np.where(sound, mixed / np.maximum(length, 1e-6), first)
