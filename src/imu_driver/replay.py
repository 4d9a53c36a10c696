"""A hub once more, from what was read and sent: the same code on the same bytes at the same times, without ROS.

A saved state and all pieces after it (`hub.Tap`) give the very samples that the driver handed on, with their times; of
several hubs on one face as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

from face_model.errors import LayoutError, SnapshotError
from face_model.imu_sample import ImuSample
from face_model.layout import LAYOUTS, SensorLayout
from face_model.saved_arrays import SavedArrays, packed, part_of, text_array, unpacked
from imu_driver.hub import RecordableHub
from imu_driver.hubs import HUBS
from imu_driver.replayed_hub import Made, Piece, ReplayedHub
from imu_driver.replayed_joint import ReplayedJoint

__all__ = ["KIND", "HubReplay", "Piece", "ReplayedSample", "hub_snapshot", "replayed", "stamp_ns"]

KIND: Final = "imusic hub 1"
"""What a snapshot's data are, and the version of their names and meanings."""

MOST_HUBS: Final = 255


@dataclass(frozen=True)
class ReplayedSample:
    """A sample, and the stamp that the driver published it with, ns on the ROS clock of the recording host."""

    sample: ImuSample
    stamp_ns: int


def stamp_ns(sample: ImuSample, by_arrival: bool, read_s: float, read_ns: int) -> int:
    """ROS time of a sample, ns, from that of the read which made it known.

    Args:
        sample: with its times.
        by_arrival: whether the stamp is its arrival, not when it was taken.
        read_s: host monotonic time of the read.
        read_ns: ROS time of the same moment.
    """
    taken_s = sample.arrival_s if by_arrival else sample.host_time_s
    return max(0, read_ns - round(1e9 * (read_s - taken_s)))


def hub_snapshot(
    hub: RecordableHub,
    kind: str,
    layout: SensorLayout,
    rate_hz: int,
    by_arrival: bool,
    names: tuple[str, ...] = ("",),
) -> bytes:
    """The state of a hub that is quiet, between two steps, and how it was made; see `Made`."""
    made = {"kind": kind, "layout": asdict(layout), "rate_hz": rate_hz, "by_arrival": by_arrival, "name": names[0]}
    if len(names) > 1:
        made["names"] = names
    return packed(part_of("hub", hub.saved_state()) | {"made": text_array(json.dumps(made))})


class HubReplay:
    """A hub that reads from pieces, or several that make one face; see `replayed` for a whole recording.

    Args:
        snapshot: to begin with, as `hub_snapshot` made it.

    Raises:
        SnapshotError: damaged, or of a kind of hub that is not known.
    """

    def __init__(self, snapshot: bytes) -> None:
        arrays = unpacked(snapshot)
        saved = SavedArrays({"made": arrays.pop("made")} if "made" in arrays else {}, "hub")
        self._made = made = _made_of(saved)
        state = {n.removeprefix("hub."): a for n, a in arrays.items()}
        several = len(made.names) > 1
        self._source = ReplayedJoint(made, state) if several else ReplayedHub(made, made.names[0], state)

    @property
    def layout(self) -> SensorLayout:
        """Of the samples."""
        return self._made.layout

    @property
    def unexplained(self) -> int:
        """Pieces sent by the driver that its code does not send here: some are missing, or are of another version."""
        return self._source.unexplained

    def feed(self, piece: Piece) -> list[ReplayedSample]:
        """Take the next piece; the samples that were handed on with it."""
        return [
            ReplayedSample(sample, stamp_ns(sample, self._made.by_arrival, piece.arrival_s, piece.stamp_ns))
            for sample in self._source.feed(piece)
        ]


def _made_of(saved: SavedArrays) -> Made:
    try:
        made = json.loads(saved.text("made", 1 << 20))
        kind, layout = str(made["kind"]), LAYOUTS.checked(made["layout"])
        rate_hz, by_arrival = int(made["rate_hz"]), bool(made["by_arrival"])
        # Older snapshots are without a name, and those of one hub without names.
        names = tuple(str(name) for name in made.get("names", [made.get("name", "")]))
        if kind not in HUBS or not 1 <= rate_hz <= 1_000_000 or not 1 <= len(names) <= MOST_HUBS:
            raise ValueError(f"kind {kind[:40]!r} at {rate_hz} Hz, {len(names)} of them")
    except (KeyError, TypeError, ValueError, RecursionError, LayoutError) as error:
        if isinstance(error, SnapshotError):
            raise
        raise saved.refuse("a known kind of hub and its layout", repr(error)[:200]) from error
    return Made(kind, layout, rate_hz, by_arrival, names)


def replayed(snapshot: bytes, pieces: Iterable[Piece]) -> Iterator[ReplayedSample]:
    """The samples that a driver handed on after a snapshot, from the pieces after it.

    Raises:
        SnapshotError: the snapshot is damaged, or of a kind of hub that is not known.
    """
    replay = HubReplay(snapshot)
    for piece in pieces:
        yield from replay.feed(piece)
