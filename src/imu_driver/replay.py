"""A hub once more, from what was read and sent: the same code on the same bytes at the same times, without ROS.

A saved state and all pieces after it (`hub.Tap`) give the very samples that the driver handed on, with their times.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

from face_model.errors import LayoutError, SnapshotError
from face_model.imu_sample import ImuSample
from face_model.layout import LAYOUTS, SensorLayout
from face_model.saved_arrays import SavedArrays, packed, part_of, text_array, unpacked
from imu_driver.hub import (
    FROM_HUB,
    GYRO_BIAS,
    IDENTIFY,
    LINE,
    LOST,
    OPENED,
    STREAMING,
    TO_HUB,
    FusingHub,
    ReplayableHub,
    gyro_bias_from,
)
from imu_driver.hubs import HUBS, make_hub
from imu_driver.transport import IsHub, LostError

KIND: Final = "imusic hub 1"
"""What a snapshot's data are, and the version of their names and meanings."""


@dataclass(frozen=True)
class Piece:
    """One piece of the line, as msg/HubBytes.msg has it.

    Attributes:
        direction: `FROM_HUB`, `TO_HUB` or `LINE`.
        arrival_s: host monotonic time.
        data: bytes.
        stamp_ns: the same moment on the host's ROS clock.
    """

    direction: int
    arrival_s: float
    data: bytes
    stamp_ns: int = 0


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
    hub: ReplayableHub, kind: str, layout: SensorLayout, rate_hz: int, by_arrival: bool, name: str = ""
) -> bytes:
    """The state of a hub that is quiet, between two steps, and how it was made; `name` as of `make_hub`."""
    made = {"kind": kind, "layout": asdict(layout), "rate_hz": rate_hz, "by_arrival": by_arrival, "name": name}
    return packed(part_of("hub", hub.saved_state()) | {"made": text_array(json.dumps(made))})


class HubReplay:
    """A hub that reads from pieces; see `replayed` for a whole recording.

    Args:
        snapshot: to begin with, as `hub_snapshot` made it.

    Attributes:
        unexplained: pieces sent by the driver that its code does not send here: some pieces before are missing, or
            another version of the driver sent them.

    Raises:
        SnapshotError: damaged, or of a kind of hub that is not known.
    """

    def __init__(self, snapshot: bytes) -> None:
        arrays = unpacked(snapshot)
        saved = SavedArrays({"made": arrays.pop("made")} if "made" in arrays else {}, "hub")
        try:
            made = json.loads(saved.text("made", 1 << 20))
            kind, layout = str(made["kind"]), LAYOUTS.checked(made["layout"])
            rate_hz, self._by_arrival = int(made["rate_hz"]), bool(made["by_arrival"])
            name = str(made.get("name", ""))  # older snapshots are without
            if kind not in HUBS or not 1 <= rate_hz <= 1_000_000:
                raise ValueError(f"kind {kind[:40]!r} at {rate_hz} Hz")
        except (KeyError, TypeError, ValueError, RecursionError, LayoutError) as error:
            if isinstance(error, SnapshotError):
                raise
            raise saved.refuse("a known kind of hub and its layout", repr(error)[:200]) from error
        self.layout = layout
        self._line = _ScriptedLine()
        hub = make_hub(
            kind,
            self._line,
            layout,
            rate_hz,
            by_arrival=self._by_arrival,
            name=name,
            clock=self._line.clock,
            wait=lambda _s: None,
        )
        if not isinstance(hub, ReplayableHub):
            raise saved.refuse("a kind of hub that can be replayed", kind)
        self._hub = hub
        hub.restore_state({n.removeprefix("hub."): a for n, a in arrays.items()})

    @property
    def unexplained(self) -> int:
        """See the class."""
        return self._line.unexplained

    def feed(self, piece: Piece) -> list[ReplayedSample]:
        """Take the next piece; the samples that were handed on with it."""
        if piece.direction == LINE and not piece.data.startswith((OPENED, LOST)):
            self._command(piece.data)
        if not self._line.add(piece):
            return []
        return [
            ReplayedSample(sample, stamp_ns(sample, self._by_arrival, piece.arrival_s, piece.stamp_ns))
            for sample in self._hub.step()
        ]

    def _command(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):
            if data.startswith(IDENTIFY):
                self._hub.identify(int(data.removeprefix(IDENTIFY)))
            elif data.startswith(STREAMING):
                self._hub.set_streaming(data == STREAMING + b"1")
            elif data.startswith(GYRO_BIAS) and isinstance(self._hub, FusingHub):
                self._hub.use_gyro_bias(gyro_bias_from(data.removeprefix(GYRO_BIAS)))


def replayed(snapshot: bytes, pieces: Iterable[Piece]) -> Iterator[ReplayedSample]:
    """The samples that a driver handed on after a snapshot, from the pieces after it.

    Raises:
        SnapshotError: the snapshot is damaged, or of a kind of hub that is not known.
    """
    replay = HubReplay(snapshot)
    for piece in pieces:
        yield from replay.feed(piece)


class _ScriptedLine:
    """Transport and clock that say what they said then.

    A step of a hub reads the clock, does what is due, and reads once. Pieces sent before the read come before it in
    the recording, those sent because of it behind it.
    """

    foreign = 0
    datagrams = False
    description = "recording"

    def __init__(self) -> None:
        self.unexplained = 0
        self._now_s = 0.0
        self._before: deque[Piece] = deque()
        self._answers: deque[bytes] = deque()
        self._last: Piece | None = None
        self._was_read = True

    def add(self, piece: Piece) -> bool:
        """Take a piece; whether the hub can do a step up to it."""
        if piece.direction == TO_HUB and self._answers:
            if self._answers.popleft() != piece.data:
                self.unexplained += 1
            return False
        if piece.direction == FROM_HUB or (piece.direction == LINE and piece.data.startswith(LOST)):
            self.unexplained += len(self._answers)
            self._answers.clear()
            self._last, self._was_read = piece, False
            return True
        self._before.append(piece)
        return False

    def clock(self) -> float:
        """When it was done that is done next."""
        if not self._was_read and self._before:
            self._now_s = self._before[0].arrival_s
            while self._before and self._before[0].direction == LINE and self._before[0].data != OPENED:
                self._before.popleft()  # a command, which the hub has by now
        return self._now_s

    def open(self, is_hub: IsHub | None = None) -> None:
        """It is open."""
        if self._before and self._before[0].data == OPENED:
            self._before.popleft()

    def read(self, timeout_s: float) -> bytes:
        """What was read then."""
        last = self._last
        self.unexplained += len(self._before)
        self._before.clear()
        if last is None:
            return b""
        self._was_read, self._now_s, self._last = True, last.arrival_s, None
        if last.direction == LINE:
            raise LostError(last.data.removeprefix(LOST).decode(errors="replace"))
        return last.data

    def write(self, data: bytes) -> None:
        """What was sent then is sent again, to nobody."""
        if self._was_read:
            self._answers.append(data)
            return
        if self._before and self._before[0].direction == TO_HUB:
            if self._before.popleft().data != data:
                self.unexplained += 1
        elif self._last is not None and self._last.direction == LINE:
            self.read(0.0)  # it was lost here
        else:
            self.unexplained += 1

    def close(self) -> None:
        """Nothing to close."""
