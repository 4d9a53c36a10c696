"""IMUs of other drivers as one hub: a topic for each sensor, put together into frames. No ROS, thread or wall clock.

| state | event | next |
|---|---|---|
| DISCONNECTED | subscribed | CONNECTING |
| CONNECTING | a first frame; while no samples are wanted, a message | CONNECTED |
| CONNECTED | no message on any topic for `SILENCE_S` | CONNECTING |
| any | a recording ended | ENDED |

Topics come and go as they like: a sensor whose topic is silent is missing until it is heard again. What is read, whole
messages with their times, is all that a replay needs.
"""

from __future__ import annotations

import math
import queue
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

import numpy as np

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays
from imu_driver import host_fusion
from imu_driver.assembler import AssemblerParams, FrameAssembler
from imu_driver.hub import (
    GYRO_BIAS,
    IDENTIFY,
    LINE,
    LOST,
    OPENED,
    STREAMING,
    ConnectionState,
    GyroBias,
    HubFigures,
    HubIdentity,
    HubSensor,
    Outcome,
    Tap,
    gyro_bias_text,
)
from imu_driver.hubs.imu_topics.imu_message import ImuMessageError, imu_message
from imu_driver.hubs.imu_topics.notices import notices_of
from imu_driver.hubs.imu_topics.orientation_fill import OrientationFill
from imu_driver.hubs.imu_topics.session_state import restore_hub, saved_hub
from imu_driver.hubs.imu_topics.topic import Topic
from imu_driver.hubs.imu_topics.topic_clock import shifts
from imu_driver.message_pieces import Piece, PieceError, unpacked
from imu_driver.rejects import Rejects
from imu_driver.tapped_line import TappedLine
from imu_driver.transport import EndedError, Transport, TransportError

SILENCE_S: Final = 0.5
"""Without any message for so long the topics count as gone: five messages of 10 Hz."""

READ_S: Final = 0.01
"""Longest wait for messages: a frame that waits for a sensor that is late is looked at so often."""

LEAD_NS: Final = 200_000_000
"""`/clock` comes at least five times a second; stamps further ahead of it are of another clock."""

BACK_S: Final = 0.5
"""The host's clock never goes back, but `/clock` may."""

REVIEW_S: Final = 0.5
"""Shifts of clocks and times of waiting are looked at this often."""

LONGEST_WAIT_S: Final = 0.1


class TopicsHub:
    """A `Hub` of any `sensor_msgs/Imu` topics.

    Args:
        transport: hands on `message_pieces` of the topics, numbered as the layout's sensors.
        layout: the sensors.
        rate_hz: of the frames; sensors may be slower or faster.
        listen_only: streaming cannot be switched; nothing is sent anyway.
        by_arrival: messages are taken for as old as they are when they come.
        name: nothing changes with it here: topics name their sensors.
        clock: host monotonic time, s.
        wait: sleeps for some seconds, used only while there is nothing to read from.

    Attributes:
        state: see the module's table.
        identity: see `Hub`.
        layout_id: see `Hub`; that of the layout alone.
        problem: see `Hub`.
        streaming: whether samples are wanted.
    """

    def __init__(
        self,
        transport: Transport,
        layout: SensorLayout,
        rate_hz: int,
        *,
        listen_only: bool = False,
        by_arrival: bool = False,
        name: str = "",
        clock: Callable[[], float],
        wait: Callable[[float], object],
    ) -> None:
        self.state = ConnectionState.DISCONNECTED
        self.identity: HubIdentity | None = None
        self.layout_id = 0
        self.problem = f"{transport.description}: not tried yet"
        self.streaming = True
        self._line = TappedLine(transport, clock, listen_only=listen_only)
        self._layout, self._rate_hz = layout, rate_hz
        self._by_arrival, self._wait = by_arrival, wait
        count = len(layout.sensors)
        self._topics = [Topic(i, by_arrival) for i in range(count)]
        self._assembler = FrameAssembler(count, rate_hz)
        self._fill = OrientationFill(count, rate_hz)
        self._fused = False
        self._sequence: int | None = None
        self._shifts: dict[int, float] = {}
        self._review_s = -math.inf
        self._heard_s = self._next_open_s = -math.inf
        self._last_s = self._read_s = self._lead_s = -math.inf
        self._rejects = Rejects("no_piece", "no_message", "other_sensor")
        self._samples = self._lost = self._connections = self._watchdog = 0
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    @property
    def tap(self) -> Tap | None:
        """See `ReplayableHub`."""
        return self._line.tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._line.tap = tap

    @property
    def description(self) -> str:
        """Where the messages come from."""
        return self._line.description

    @property
    def notices(self) -> Sequence[str]:
        """Topics that are silent or off, orientations that are not used, packages that are not there."""
        if self.identity is None:
            return []
        found = notices_of(self._layout.names, self._topics, self._by_arrival)
        return [*found, host_fusion.MISSING_PACKAGE] if self._fill.package_missing else found

    def figures(self) -> HubFigures:
        """What happened so far."""
        counts, topics = self._assembler.counts, self._topics
        return HubFigures(
            asked_rate_hz=self._rate_hz,
            samples=self._samples,
            lost=self._lost,
            out_of_order=counts.late,
            untimed=counts.ahead,
            connections=self._connections,
            reboots=sum(topic.clock.steps for topic in topics),
            watchdog=self._watchdog,
            sensor_lost=tuple(topic.clock.lost for topic in topics),
            sensor_rate_hz=tuple(topic.rate_hz for topic in topics),
            rejected={**self._rejects.counts, "impossible": counts.impossible},
            last_reject=self._rejects.last or ("numbers that no IMU measures" if counts.impossible else ""),
            foreign_datagrams=self._line.foreign,
        )

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Nothing that a topic could do."""
        future: Future[Outcome] = Future()
        why = "a topic has no light to blink: move the unit by hand and look which sensor moves on the page"

        def begin() -> None:
            self._line.tell(LINE, IDENTIFY + str(sensor_id).encode())
            future.set_result(Outcome(False, True, why))

        self._commands.put(begin)
        return future

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Hand samples on, or drop them."""
        future: Future[Outcome] = Future()

        def begin() -> None:
            self._line.tell(LINE, STREAMING + str(int(wanted)).encode())
            if self._line.listen_only:
                future.set_result(Outcome(False, False, "the driver only listens to this hub: no command is taken"))
                return
            self.streaming, self._sequence = wanted, None  # what is missed while nobody wants it is not lost
            future.set_result(Outcome(True, True, ""))

        self._commands.put(begin)
        return future

    def gyro_bias(self) -> Mapping[int, GyroBias]:
        """See `FusingHub`: of the sensors whose orientation is fused here."""
        biases = self._fill.bias()
        return {
            sensor.id: biases[i]
            for i, (sensor, topic) in enumerate(zip(self._layout.sensors, self._topics, strict=True))
            if topic.distrusted and i in biases
        }

    def use_gyro_bias(self, known: Mapping[int, GyroBias]) -> None:
        """See `FusingHub`."""

        def begin() -> None:
            self._line.tell(LINE, GYRO_BIAS + gyro_bias_text(known))
            self._fill.use_bias({i: known[s.id] for i, s in enumerate(self._layout.sensors) if s.id in known})

        self._commands.put(begin)

    def step(self) -> list[ImuSample]:
        """Read what came and return the frames that are due."""
        try:
            now_s = self._line.look()
            self._obey()
            if self.state is ConnectionState.ENDED:
                self._wait(0.02)
                return []
            if self.state is ConnectionState.DISCONNECTED and not self._opened(now_s):
                return []
            data = self._line.read(READ_S)
            before_s, self._read_s = self._read_s, self._line.now_s
            now_s = self._read_s
            if now_s < before_s - BACK_S:
                self._begin_anew()
            self._take(data)
            if 0.0 < self._lead_s - now_s <= 1e-9 * LEAD_NS:
                now_s = self._lead_s
            self._watch(now_s)
            return self._frames(now_s)
        except EndedError as error:
            self._line.close()
            self.problem = str(error) if self._samples else f"{error} without a sample; before: {self.problem}"
            self.state = ConnectionState.ENDED
        except TransportError as error:
            if self.state is not ConnectionState.DISCONNECTED:  # else it was never open
                self._line.tell(LINE, LOST + str(error).encode(errors="replace"))
            self._line.close()
            self.problem, self.state = str(error), ConnectionState.DISCONNECTED
            self._next_open_s = self._line.now_s + 0.5
        return []

    def close(self) -> None:
        """Take no more messages."""
        self._line.close()
        if self.state is not ConnectionState.ENDED:
            self.problem, self.state = "the driver is closed", ConnectionState.DISCONNECTED
        self._obey()

    # Details

    def _obey(self) -> None:
        while not self._commands.empty():
            self._commands.get()()

    def _opened(self, now_s: float) -> bool:
        if now_s < self._next_open_s:
            self._wait(min(self._next_open_s - now_s, 0.02))
            return False
        self._line.open()
        self._line.tell(LINE, OPENED)
        self.state = ConnectionState.CONNECTING
        self.problem = self._silence()
        self._heard_s = now_s
        return True

    def _silence(self) -> str:
        return (
            f"{self.description}: no message yet; are the IMUs' drivers running, and are these the names of their "
            "topics? `ros2 topic list -t` shows those of sensor_msgs/msg/Imu"
        )

    def _take(self, data: bytes) -> None:
        try:
            for piece in unpacked(data):
                self._take_piece(piece)
        except PieceError as error:
            self._rejects.add("no_piece", error)

    def _take_piece(self, piece: Piece) -> None:
        if piece.sensor >= len(self._topics) or not math.isfinite(piece.arrival_s):
            self._rejects.add("other_sensor", f"expected sensors 0 to {len(self._topics) - 1}, found {piece.sensor}")
            return
        try:
            message = imu_message(piece.data)
        except ImuMessageError as error:
            self._rejects.add("no_message", error)
            return
        lead_ns = message.stamp_ns - piece.ros_ns
        if piece.stepping and 0 < lead_ns < LEAD_NS:
            # It has been measured, so it is at least as late as that: the clock only has not said so yet.
            piece = replace(piece, arrival_s=piece.arrival_s + 1e-9 * lead_ns, ros_ns=message.stamp_ns)
            self._lead_s = max(self._lead_s, piece.arrival_s)
        topic = self._topics[piece.sensor]
        first = not topic.clock.messages
        if topic.clock.add(message.stamp_ns, piece.arrival_s, piece.ros_ns):
            self._assembler.forget(piece.sensor)
        if first or topic.clock.kind is not topic.kind or piece.arrival_s >= self._review_s:
            self._review(piece.arrival_s)
        self._heard_s = piece.arrival_s
        self._meet(first)
        if not self.streaming:
            return
        reading = topic.reading(message, self._shifts.get(piece.sensor), piece)
        self._assembler.add(reading, piece.arrival_s)

    def _begin_anew(self) -> None:
        """The clock went back, as `/clock` does when a bag is played again: nothing of before is of now."""
        self._assembler = FrameAssembler(len(self._topics), self._rate_hz, self.layout_id)
        for topic in self._topics:
            topic.clock.begin_anew()
        self._sequence, self._last_s, self._review_s, self._heard_s = None, -math.inf, -math.inf, self._read_s
        self._lead_s = -math.inf

    def _review(self, now_s: float) -> None:
        self._review_s = now_s + REVIEW_S
        self._shifts = shifts(topic.clock for topic in self._topics)
        periods = [topic.clock.period_s for topic in self._topics if topic.clock.period_s > 0.0]
        self._assembler.params = AssemblerParams().for_period(min(max(periods, default=0.0), LONGEST_WAIT_S))
        for topic in self._topics:
            topic.kind = topic.clock.kind

    def _meet(self, first: bool) -> None:
        """Who is there; made anew when a topic is heard for the first time."""
        if first or self.identity is None:
            self._identify()
        if not self.streaming:
            self._connected()

    def _identify(self) -> None:
        sensors = tuple(
            HubSensor(sensor.id, sensor.name, "", topic.clock.messages > 0, 0.0, 0.0)
            for sensor, topic in zip(self._layout.sensors, self._topics, strict=True)
        )
        self.identity = HubIdentity("imu_topics", "", sensors, self._rate_hz, not self._fused)
        self.layout_id = self._assembler.layout_id = _layout_id(self._layout)

    def _connected(self) -> None:
        if self.state is not ConnectionState.CONNECTED:
            self._connections += 1
            self.state, self.problem = ConnectionState.CONNECTED, ""

    def _watch(self, now_s: float) -> None:
        quiet_s = now_s - self._heard_s
        if self.state is ConnectionState.CONNECTED and quiet_s > SILENCE_S:
            self._watchdog += 1
            self.state = ConnectionState.CONNECTING
            self.problem = f"{self.description}: no message on any for {quiet_s:.1f} s; are their drivers running?"

    def _frames(self, now_s: float) -> list[ImuSample]:
        made: list[ImuSample] = []
        for frame in self._assembler.frames(now_s):
            before, self._sequence = self._sequence, frame.sequence
            lost = 0 if before is None else (frame.sequence - before - 1) % (1 << 32)
            self._lost += lost
            without = np.array([topic.distrusted for topic in self._topics])
            if not self._fused and without.any():
                self._fused = True
                self._identify()
            fused = self._fill.filled(frame, without, lost)
            self._last_s = max(frame.host_time_s, self._last_s + 1e-6)
            made.append(replace(fused, host_time_s=self._last_s))
        if made and now_s - self._heard_s <= SILENCE_S:
            self._connected()
        self._samples += len(made)
        return made

    # States, for replays

    @property
    def quiet(self) -> bool:
        """See `ReplayableHub`."""
        return self._commands.empty()

    def saved_state(self) -> Arrays:
        """See `ReplayableHub`."""
        return saved_hub(self)

    def restore_state(self, arrays: Arrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        restore_hub(self, arrays)


def _layout_id(layout: SensorLayout) -> int:
    """The same for the same layout in every run, and never 0."""
    told = "\n".join(f"{sensor.id} {sensor.name}" for sensor in layout.sensors)
    return zlib.crc32(f"imu_topics\n{told}".encode()) or 1
