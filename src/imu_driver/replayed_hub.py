"""One hub once more: the same code on the same bytes at the same times, without ROS."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from face_model.errors import SnapshotError
from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays
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
    HubIdentity,
    ReplayableHub,
    gyro_bias_from,
)
from imu_driver.hubs import make_hub
from imu_driver.transport import IsHub, LostError


@dataclass(frozen=True)
class Piece:
    """One piece of the line, as msg/HubBytes.msg has it.

    Attributes:
        direction: `FROM_HUB`, `TO_HUB`, `LINE` or `JOINED`.
        arrival_s: host monotonic time.
        data: bytes.
        stamp_ns: the same moment on the host's ROS clock.
        hub: which one of several hubs on one face.
    """

    direction: int
    arrival_s: float
    data: bytes
    stamp_ns: int = 0
    hub: int = 0


@dataclass(frozen=True)
class Made:
    """How what was saved was made; see `make_hub`.

    Attributes:
        kind: of hub.
        layout: of the face.
        rate_hz: that was asked for.
        by_arrival: whether samples are stamped with their arrival.
        names: of the only hubs that were wanted, one for each hub; empty: any.
    """

    kind: str
    layout: SensorLayout
    rate_hz: int
    by_arrival: bool
    names: tuple[str, ...]


class ReplayedHub:
    """A hub that reads from pieces.

    Args:
        made: how it was made.
        name: the one of `made.names` that is its.
        state: to begin with.

    Raises:
        SnapshotError: the state is damaged, or of a kind of hub that cannot be replayed.
    """

    def __init__(self, made: Made, name: str, state: Arrays) -> None:
        self._line = _ScriptedLine()
        hub = make_hub(
            made.kind,
            self._line,
            made.layout,
            made.rate_hz,
            by_arrival=made.by_arrival,
            name=name,
            clock=self._line.clock,
            wait=lambda _s: None,
        )
        if not isinstance(hub, ReplayableHub):
            raise SnapshotError(f"expected the state of a kind of hub that can be replayed, found {made.kind}")
        self.hub = hub
        hub.restore_state(state)

    @property
    def identity(self) -> HubIdentity | None:
        """See `Hub`."""
        return self.hub.identity

    @property
    def unexplained(self) -> int:
        """Pieces sent by the driver that its code does not send here."""
        return self._line.unexplained

    def feed(self, piece: Piece) -> Sequence[ImuSample]:
        """Take the next piece; the samples that were handed on with it."""
        if piece.direction == LINE and not piece.data.startswith((OPENED, LOST)):
            self._command(piece.data)
        return self.hub.step() if self._line.add(piece) else ()

    def _command(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):
            if data.startswith(IDENTIFY):
                self.hub.identify(int(data.removeprefix(IDENTIFY)))
            elif data.startswith(STREAMING):
                self.hub.set_streaming(data == STREAMING + b"1")
            elif data.startswith(GYRO_BIAS) and isinstance(self.hub, FusingHub):
                self.hub.use_gyro_bias(gyro_bias_from(data.removeprefix(GYRO_BIAS)))


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
