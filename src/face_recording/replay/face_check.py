"""Whether faces that are computed again are those that were recorded, bit for bit."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from face_model import arkit

MOST_WAITING: Final = 5000
"""Faces that wait for their counterpart; older ones will not find it."""

_WEIGHT_BYTES: Final = 4 * arkit.COUNT


@dataclass(frozen=True)
class FaceBits:
    """What of a face must be equal.

    Attributes:
        sequence: of the sample that it was computed from.
        stamp_ns: of that sample.
        bits: weights, confidence and head orientation.
    """

    sequence: int
    stamp_ns: int
    bits: bytes

    @classmethod
    def of(cls, message: Any) -> FaceBits:
        """Of a message `imusic/FaceBlendshapes`, a ROS message or one that was read without ROS."""
        stamp, q = message.header.stamp, message.head_orientation
        seconds = int(stamp.sec)
        nanoseconds = int(stamp.nanosec)
        parts = [
            np.asarray(message.weights, dtype=np.float32),
            np.asarray(message.confidence, dtype=np.float32),
            np.array([q.x, q.y, q.z, q.w], dtype=np.float64),
        ]
        return cls(int(message.sequence), seconds * 1_000_000_000 + nanoseconds, b"".join(p.tobytes() for p in parts))


@dataclass
class FaceCheck:
    """Compares faces as they come, in whichever order the two sides come.

    Only the first face of a sample was computed from it: those that fade without input are passed over on both sides.

    Attributes:
        equal: faces that came out as recorded.
        different: faces that did not.
        missing: recorded faces whose sample was played and of which none came.
        unrecorded: faces that came and were not recorded.
        worst: largest difference of a weight.
        first_different: sequence of the first that differed; None if none did.
    """

    equal: int = 0
    different: int = 0
    missing: int = 0
    unrecorded: int = 0
    worst: float = 0.0
    first_different: int | None = None
    _recorded: OrderedDict[int, FaceBits] = field(default_factory=OrderedDict)
    _computed: OrderedDict[int, FaceBits] = field(default_factory=OrderedDict)
    _played: OrderedDict[int, None] = field(default_factory=OrderedDict)
    _last_recorded: tuple[int, int] | None = None
    _last_computed: tuple[int, int] | None = None

    @property
    def ok(self) -> bool:
        """Whether faces were compared, and all were equal."""
        return self.equal > 0 and not self.different and not self.missing

    @property
    def summary(self) -> str:
        """One line for people."""
        line = f"faces as recorded, bit for bit: {self.equal} equal, {self.different} different, {self.missing} missing"
        if self.different:
            line += f" (first at sample {self.first_different}, weights by up to {self.worst:.3g})"
        return line

    def played(self, sequence: int) -> None:
        """A sample was handed to inference, of which a face is expected."""
        self._played[sequence] = None
        while len(self._played) > 2 * MOST_WAITING:
            self._played.popitem(last=False)

    def recorded(self, face: FaceBits) -> None:
        """A recorded face."""
        key = (face.sequence, face.stamp_ns)
        if key == self._last_recorded:
            return
        self._last_recorded = key
        other = self._computed.pop(face.sequence, None)
        if other is not None:
            self._compare(face, other)
            return
        self._recorded[face.sequence] = face
        while len(self._recorded) > MOST_WAITING:
            self._give_up(self._recorded.popitem(last=False)[1])

    def computed(self, face: FaceBits) -> None:
        """A face that came now."""
        key = (face.sequence, face.stamp_ns)
        if key == self._last_computed:
            return
        self._last_computed = key
        other = self._recorded.pop(face.sequence, None)
        if other is not None:
            self._compare(other, face)
            return
        self._computed[face.sequence] = face
        while len(self._computed) > MOST_WAITING:
            self._computed.popitem(last=False)
            self.unrecorded += 1

    def end_lap(self) -> None:
        """What waits will not find its counterpart: playing goes on elsewhere."""
        for face in self._recorded.values():
            self._give_up(face)
        self.unrecorded += len(self._computed)
        self._recorded.clear()
        self._computed.clear()
        self._played.clear()
        self._last_recorded = self._last_computed = None

    def _give_up(self, face: FaceBits) -> None:
        # Of a sample that was played before the beginning, or that the recorder lost, no face can come.
        if face.sequence in self._played:
            self.missing += 1

    def _compare(self, recorded: FaceBits, computed: FaceBits) -> None:
        if recorded.bits == computed.bits:
            self.equal += 1
            return
        self.different += 1
        if self.first_different is None:
            self.first_different = recorded.sequence
        one, two = (np.frombuffer(face.bits[:_WEIGHT_BYTES], dtype=np.float32) for face in (recorded, computed))
        if len(one) == len(two):
            self.worst = max(self.worst, float(np.nanmax(np.abs(one - two), initial=0.0)))
