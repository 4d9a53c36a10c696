"""Whether faces that are computed again are those that were recorded, bit for bit."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from face_inference.face_estimate import FaceEstimate
from face_inference.fading import faded
from face_inference.tracker_params import TrackerParams
from face_model.face_state import FaceState

MOST_WAITING: Final = 5000
"""Faces that wait for their counterpart; older ones will not find it."""
AROUND_A_BEGINNING: Final = 20
"""Faces of samples from before the place where playing began: so few are not told of."""


@dataclass(frozen=True)
class FaceBits:
    """What of a face must be equal, and what it depends on.

    Attributes:
        estimate: weights, confidence, head orientation, and the number of the sample that they were computed from.
        stamp_ns: of that sample.
        age_s: of the sample when the face was published. A face that comes late is published faded by its age; a replay
            computes it as it was before.
    """

    estimate: FaceEstimate
    stamp_ns: int
    age_s: float

    @property
    def sequence(self) -> int:
        """Of the sample."""
        return self.estimate.sequence

    @property
    def sample(self) -> tuple[int, int]:
        """Which sample it is of: a hub that was restarted counts anew, so that the number alone does not say."""
        return self.estimate.sequence, self.stamp_ns

    @classmethod
    def of(cls, message: Any) -> FaceBits:
        """Of a message `imusic/FaceBlendshapes`, a ROS message or one that was read without ROS."""
        stamp, q = message.header.stamp, message.head_orientation
        estimate = FaceEstimate(
            sequence=int(message.sequence),
            state=FaceState.TRACKING,
            weights=np.array(message.weights, dtype=np.float32),
            confidence=np.array(message.confidence, dtype=np.float32),
            head_orientation=np.array([q.x, q.y, q.z, q.w], dtype=np.float64),
        )
        return cls(estimate, int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec), float(message.age))


@dataclass
class FaceCheck:
    """Compares faces as they come, in whichever order the two sides come.

    Only the first face of a sample was computed from it: those that fade without input are passed over on both sides.

    Attributes:
        equal: faces that came out as recorded.
        different: faces that did not.
        inexact: recorded faces that cannot come out again, because the recording lacks samples that inference had since
            its last snapshot, or has no snapshot.
        early: recorded faces that cannot come out again, because they were computed before the first snapshot was made.
        missing: recorded faces whose sample was played and of which none came.
        unplayed: recorded faces whose sample was not played: it lies before the beginning, the recorder lost it, or the
            stamps go back there, so that it is in no place where it could be played.
        unrecorded: faces that came and were not recorded.
        worst: largest difference of a weight.
        first_different: sequence of the first that differed; None if none did.
        params: how faces of old samples are faded.
    """

    equal: int = 0
    different: int = 0
    missing: int = 0
    inexact: int = 0
    early: int = 0
    unplayed: int = 0
    unrecorded: int = 0
    worst: float = 0.0
    first_different: int | None = None
    params: TrackerParams = field(default_factory=TrackerParams)
    _recorded: OrderedDict[tuple[int, int], FaceBits] = field(default_factory=OrderedDict)
    _computed: OrderedDict[tuple[int, int], FaceBits] = field(default_factory=OrderedDict)
    _played: OrderedDict[int, bool] = field(default_factory=OrderedDict)
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
        if self.early:
            line += f", {self.early} not compared (before the first snapshot)"
        if self.unplayed > AROUND_A_BEGINNING:
            line += f", {self.unplayed} not compared (their samples were not played: `imusic takes check` says why)"
        if self.inexact:
            line += f", {self.inexact} not compared (the recording lacks samples before them, or has no snapshot)"
        return line

    def played(self, sequence: int, exact: bool = True) -> None:
        """A sample was handed to inference, of which a face is expected; `exact`: as recorded, bit for bit."""
        self._played[sequence] = exact
        while len(self._played) > 2 * MOST_WAITING:
            self._played.popitem(last=False)

    @property
    def not_compared(self) -> int:
        """Recorded faces that cannot come out again."""
        return self.early + self.inexact + (self.unplayed if self.unplayed > AROUND_A_BEGINNING else 0)

    def recorded(self, face: FaceBits, exact: bool = True) -> None:
        """A recorded face; not `exact`: computed before the first snapshot was made."""
        key = face.sample
        if key == self._last_recorded:
            return
        self._last_recorded = key
        if not exact:
            self.early += 1
            return
        other = self._computed.pop(key, None)
        if other is not None:
            self._compare(face, other)
            return
        self._recorded[key] = face
        while len(self._recorded) > MOST_WAITING:
            self._give_up(self._recorded.popitem(last=False)[1])

    def computed(self, face: FaceBits) -> None:
        """A face that came now."""
        key = face.sample
        if key == self._last_computed:
            return
        self._last_computed = key
        other = self._recorded.pop(key, None)
        if other is not None:
            self._compare(other, face)
            return
        self._computed[key] = face
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
            self.missing += self._played[face.sequence]
            self.inexact += not self._played[face.sequence]
        else:
            self.unplayed += 1

    def _compare(self, recorded: FaceBits, computed: FaceBits) -> None:
        one, two = recorded.estimate, faded(computed.estimate, recorded.age_s, self.params)
        pairs = [(getattr(one, name), getattr(two, name)) for name in ("weights", "confidence", "head_orientation")]
        if all(a.tobytes() == b.tobytes() for a, b in pairs):
            self.equal += 1
            return
        if not self._played.get(recorded.sequence, True):
            self.inexact += 1
            return
        self.different += 1
        if self.first_different is None:
            self.first_different = recorded.sequence
        if one.weights.shape == two.weights.shape:
            self.worst = max(self.worst, float(np.nanmax(np.abs(one.weights - two.weights), initial=0.0)))
