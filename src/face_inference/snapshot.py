"""A wearer's whole computing state as bytes, for msg/Snapshot.msg: what inference goes on from, bit for bit.

A tracker that takes a snapshot over makes of the samples after it the very numbers that the tracker it was made of
did: weights, confidences and head. So a recording that begins, or is entered, anywhere replays what was published.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.model_folder import ModelDescription
from face_inference.tracker import FaceTracker
from face_model.errors import SnapshotError
from face_model.saved_arrays import Arrays, SavedArrays, packed, part_of, unpacked

KIND = "imusic tracker 4"
"""What the data are, and the version of their names and meanings; a change of either makes another version."""

_KINDS = ("imusic tracker 1", "imusic tracker 2", "imusic tracker 3", KIND)
"""That can be restored; the first learned nothing while worn, the second turned no mountings and knew of none, the
third told headings by turns of the head and rest alone."""

_MISSED = "missed"


def snapshot_of(tracker: FaceTracker, extra: Arrays | None = None) -> bytes:
    """A snapshot of a tracker, between two samples.

    With it goes what did not come since the snapshot before (`FaceTracker.missed`): a recorder may have received these
    samples, and then a replay must leave them out. Whoever publishes a snapshot empties it.

    Args:
        tracker: of the wearer.
        extra: more arrays to keep beside it, by a name that begins with `node.`.
    """
    missed = np.array(tracker.missed, dtype=np.int64).reshape(-1, 2)
    return packed(part_of("tracker", tracker.saved_state()) | (extra or {}) | {_MISSED: missed})


def restore_snapshot(tracker: FaceTracker, data: bytes) -> SavedArrays:
    """Take a snapshot over, whatever the tracker did before; what was kept beside it is returned.

    Raises:
        SnapshotError: damaged, too large, or of another model; nothing has changed then.
        EngineError: the device failed.
    """
    arrays = unpacked(data)
    tracker.restore_state({n.removeprefix("tracker."): a for n, a in arrays.items() if n.startswith("tracker.")})
    return SavedArrays({n.removeprefix("node."): a for n, a in arrays.items() if n.startswith("node.")}, "node")


def missed_by_inference(data: bytes) -> NDArray[np.int64]:
    """(n, 2) first and last number (`ImuFrame.sequence`) of each run of samples that inference did not take between
    the snapshot before this one and this one: lost on the way, or passed over because newer ones waited.

    Raises:
        SnapshotError: damaged or too large.
    """
    saved = SavedArrays(unpacked(data), "snapshot")
    runs: NDArray[np.int64] = saved.array(_MISSED, (None, 2), "i8")
    if ((runs < 0) | (runs >= 1 << 32)).any():
        raise saved.refuse("numbers of samples as missed", "others")
    return runs


def check_origin(kind: str, model_hash: str, description: ModelDescription) -> None:
    """Whether a snapshot is of a tracker and of this model.

    Raises:
        SnapshotError: with what was expected and found.
    """
    if kind not in _KINDS:
        raise SnapshotError(
            f"expected a snapshot of kind {KIND!r}, found {kind[:80]!r}; replay with the version of imusic that made it"
        )
    if model_hash != description.digest:
        raise SnapshotError(
            f"expected a snapshot of {description.title} with hash {description.digest[:12]}, found "
            f"{model_hash[:12]!r}; replay with the model that was recorded with"
        )
