"""Samples computed again from what came from the hub, by the driver's own code, from its snapshot on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

from face_model.imu_sample import ImuSample
from face_recording.bag_reader import BYTES, DRIVER_SNAPSHOT, FRAMES, LATEST_NS, Bag
from face_recording.replay.errors import ReplayError
from face_recording.replay.recorded_events import SLACK_NS, ComputedFrame
from face_recording.replay.snapshot_index import Entry, SnapshotIndex, stamp_of
from imu_driver.replay import HubReplay, Piece

MakeFrame = Callable[[ImuSample, int, str], Any]
"""A message of a sample, its stamp (ns) and its frame of reference."""

_FIRST: Final = 1


class HubFrames:
    """See `ComputedFrames`.

    Where the first snapshot of the driver is younger than the place, the recorded samples lead up to it.

    Args:
        bag: with `imu/bytes` and `imu/snapshot`.
        namespace: of the wearer.
        make: makes messages.

    Attributes:
        lost: pieces that are missing in the recording; samples are computed anew from the next snapshot on.
        unexplained: pieces that the driver sent and its code does not send here, as of another version.

    Raises:
        ReplayError: the bag has no bytes, or no snapshot of the driver.
    """

    def __init__(self, bag: Bag, namespace: str, make: MakeFrame) -> None:
        topics = bag.of_wearer(namespace)
        if BYTES not in topics or not topics[BYTES].count:
            raise ReplayError(f"expected /{BYTES} in {bag.path.name}, found none; replay --from frames")
        self._bag, self._make = bag, make
        self._bytes = topics[BYTES].name
        self._frames = topics[FRAMES].name if FRAMES in topics else ""
        snapshots = topics[DRIVER_SNAPSHOT].name if DRIVER_SNAPSHOT in topics else ""
        self._snapshots = SnapshotIndex(bag, snapshots, self._bytes, "number")
        if not self._snapshots.entries:
            raise ReplayError(
                f"expected a snapshot of the driver on /{DRIVER_SNAPSHOT} in {bag.path.name}, found none; replay "
                "--from frames"
            )
        self.lost = self.unexplained = 0

    def __call__(self, begin_ns: int, stop_ns: int) -> Iterator[ComputedFrame]:
        """Samples from a time on and before another."""
        snapshot = self._snapshots.before(begin_ns)
        if snapshot is None:
            snapshot = self._snapshots.entries[0]
            yield from self._recorded(begin_ns, min(stop_ns, snapshot.stamp_ns + SLACK_NS), snapshot)
        while snapshot is not None:
            snapshot = yield from self._from(snapshot, begin_ns, stop_ns)

    def _from(self, snapshot: Entry, begin_ns: int, stop_ns: int) -> Generator[ComputedFrame, None, Entry | None]:
        """From a snapshot to the end, or to a gap; returns the snapshot that comes after it."""
        _, message = self._snapshots.found(snapshot)
        replay, frame_id = HubReplay(bytes(message.data)), str(message.header.frame_id)
        newest = snapshot.after
        for stored in self._bag.messages([self._bytes], min(snapshot.stamp_ns, snapshot.time_ns) - SLACK_NS, stop_ns):
            piece = self._bag.decoded(stored)
            number = int(piece.number)
            if number <= newest:
                if number != _FIRST or newest < _FIRST or stored.time_ns < snapshot.time_ns + SLACK_NS:
                    continue
                return self._next(number, stored.time_ns)  # the driver was started anew
            if number != newest + 1:
                self.lost += number - newest - 1
                return self._next(number, stored.time_ns)
            newest = number
            hub = int(getattr(piece, "hub", 0))  # older recordings are of one hub, and do not say so
            data = Piece(int(piece.direction), float(piece.arrival), bytes(piece.data), stamp_of(piece), hub)
            for found in replay.feed(data):
                if stored.time_ns >= begin_ns:
                    frame = self._make(found.sample, found.stamp_ns, frame_id)
                    yield ComputedFrame(stored.time_ns, int(found.sample.sequence), found.stamp_ns, frame)
        self.unexplained += replay.unexplained
        return None

    def _next(self, number: int, time_ns: int) -> Entry | None:
        """The first snapshot that goes on at or behind a piece."""
        later = (e for e in self._snapshots.entries if e.time_ns >= time_ns - SLACK_NS and e.after >= number - 1)
        return next(later, None)

    def _recorded(self, begin_ns: int, stop_ns: int, until: Entry) -> Iterator[ComputedFrame]:
        if not self._frames:
            return
        for stored in self._bag.messages([self._frames], begin_ns, min(stop_ns, LATEST_NS)):
            frame = self._bag.decoded(stored)
            if stamp_of(frame) <= until.stamp_ns:
                yield ComputedFrame(stored.time_ns, int(frame.sequence), stamp_of(frame), stored.data)
