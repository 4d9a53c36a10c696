"""A wearer's newest state in a file, from which the process goes on that takes the place of one that was killed.

So a crash in the middle of an experiment costs no neutral. A process that ends in order leaves nothing: whoever starts
again then may be somebody else.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from face_inference.snapshot import KIND, restore_snapshot, snapshot_of
from face_inference.tracker import FaceTracker
from face_inference.wearer.private_file import FOLDER_MODE, write_durably
from face_model.errors import SnapshotError
from face_model.saved_arrays import SavedArrays, part_of, text_array, unpacked

KEEP_PERIOD_S = 5.0
LEAST_S = 0.5
"""Between two of them, however much changes."""
RESUME_S = 60.0
"""Older than this it is not gone on from: the sensors may be on somebody else by now."""
MOST_BYTES = 4 << 20
"""Of a file: the state of the shipped model has a quarter of a megabyte."""
_MOST_TEXT = 1000
_STARTED = "node"


@dataclass(frozen=True)
class FoundState:
    """What a process that was killed left.

    Attributes:
        data: snapshot of its tracker.
        profile: name of the profile that was in use; empty: none.
        age_s: time since it was kept, s.
    """

    data: bytes
    profile: str
    age_s: float

    def restore(self, tracker: FaceTracker) -> None:
        """Let a tracker go on from it.

        Raises:
            SnapshotError: it is damaged or does not fit; nothing has changed then.
            EngineError: the device failed.
        """
        restore_snapshot(tracker, self.data)


class KeptState:
    """Keeps, finds and forgets the state of one wearer.

    Args:
        folder: for the files; None: nothing is kept.
        place: full name of the node and of the wearer; each has a file of its own, in each ROS domain.
        started_with: what the node was started with; of one that was started otherwise nothing is taken over.

    Attributes:
        problem: why nothing is kept, or what was found cannot be gone on from; empty if all is well.
    """

    def __init__(self, folder: Path | None, place: str, started_with: str) -> None:
        domain = os.environ.get("ROS_DOMAIN_ID", "") or "0"
        self._file = None if folder is None else folder / f"{quote(f'{domain}:{place}', safe='')}.snapshot"
        self._started_with = f"{KIND}, {started_with}"
        self._kept_s = float("-inf")
        self._changes = -1
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="kept_state")
        self._writing: Future[None] | None = None
        self._ours = False
        self.problem = ""

    def keep_if_due(self, tracker: FaceTracker, profile: str, now_s: float) -> None:
        """Keep it every few seconds, and when something changed that is not in the samples; `now_s` is monotonic.

        Packing takes half a millisecond; a thread writes, as a disk may take long and frames do not wait for it.
        """
        if now_s - self._kept_s < (KEEP_PERIOD_S if self._changes == tracker.changes else LEAST_S):
            return
        if self._file is None or tracker.neutral is None or (self._writing is not None and not self._writing.done()):
            return
        self._changes, self._kept_s = tracker.changes, now_s
        told = {"started_with": text_array(self._started_with), "profile": text_array(profile)}
        data = snapshot_of(tracker, part_of(_STARTED, told))
        self._writing, self._ours = self._writer.submit(self._write, self._file, data), True

    def find(self) -> FoundState | None:
        """What one that was killed left, not long ago; None where there is nothing. `problem` says what is wrong."""
        if self._file is None:
            return None
        try:
            age_s = time.time() - self._file.stat().st_mtime
            if not 0.0 <= age_s <= RESUME_S or self._file.stat().st_size > MOST_BYTES:
                return None
            data = self._file.read_bytes()
            left = SavedArrays(unpacked(data), "the kept state").part(_STARTED)
            if left.text("started_with", _MOST_TEXT) != self._started_with:
                return None
            self._ours = True
            return FoundState(data, left.text("profile", _MOST_TEXT), age_s)
        except FileNotFoundError:
            return None
        except (OSError, SnapshotError) as error:
            self.problem = f"what was known before is lost, {self._file}: {error}"
            return None

    def forget(self) -> None:
        """Leave nothing of this wearer's: the node ends in order, or begins anew. What was not taken over stays."""
        self._writer.shutdown()
        if self._file is not None and self._ours:
            try:
                self._file.unlink(missing_ok=True)
            except OSError as error:
                self.problem = f"expected to delete {self._file}, found: {error}; delete it by hand"

    def _write(self, file: Path, data: bytes) -> None:
        try:
            file.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            write_durably(file, data)
        except OSError as error:
            self.problem = f"what is known is not kept for the case of a crash: {error}; check `resume_folder`"
        else:
            self.problem = ""
