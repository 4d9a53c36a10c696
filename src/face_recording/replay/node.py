"""ROS 2 node `player`: plays a recording into its own namespace, with `/clock`."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imusic.msg import ImuFrame, ReplayStatus
from imusic.srv import SeekReplay, SetReplayRate
from std_srvs.srv import Trigger

from face_inference.snapshot import missed_by_inference
from face_model.errors import ImusicError
from face_model.imu_sample import ImuSample
from face_recording.bag_reader import FRAMES, Bag
from face_recording.recorded_topics import FROM_FACES
from face_recording.replay.choice import choice_of
from face_recording.replay.errors import ReplayError
from face_recording.replay.events import EventSource, Level
from face_recording.replay.face_check import FaceCheck
from face_recording.replay.parameters import PARAMETERS
from face_recording.replay.part import Part
from face_recording.replay.player import Player
from face_recording.replay.recorded_events import FrameEvents, PublishedEvents, played_topics
from face_recording.replay.ros_stage import RosStage
from face_recording.replay.timeline import Timeline, checked_rate
from face_recording.takes.listing import find_recording
from imu_driver.messages import fill_frame
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run
from imusic_ros.qos import LATCHED

if TYPE_CHECKING:
    from face_recording.replay.hub_frames import HubFrames

STATUS_PERIOD_S = 0.25
JOIN_S = 5.0
NO_SNAPSHOTS = (
    "the recording has no snapshots of inference: it learns the neutral from the beginning, and faces are not bit for "
    "bit those that were published"
)


class PlayerNode(ManagedNode):
    """Plays a recording; config/player.yaml explains the parameters.

    Attributes:
        failed: whether the replay ended with an error, or the check found a face that is not as recorded.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("player", PARAMETERS, **options)
        self.failed = False
        self._entities: list[tuple[Any, Any]] = []
        self._bag: Bag | None = None
        self._player: Player | None = None
        self._stage: RosStage | None = None
        self._part: Part | None = None
        self._thread: threading.Thread | None = None
        self._check: FaceCheck | None = None
        self._problem = ""
        self._notes: list[str] = []
        self._ready = False
        self._source_of_frames: FrameEvents | None = None
        self._hub_frames: HubFrames | None = None
        self._reached: tuple[float, int, float] = (0.0, 0, 0.0)

    # Lifecycle.

    def configure(self) -> None:
        """Open the recording, find the wearer, make publishers and services."""
        try:
            self._bag = Bag(find_recording(str(self.value("file"))))
            self._prepare(self._bag)
        except ImusicError as error:
            raise ConfigurationError(str(error)) from error
        self._status = self.create_publisher(ReplayStatus, "player/status", LATCHED)
        self._keep(self.destroy_publisher, self._status)
        for name, callback in (("pause", self._on_pause), ("resume", self._on_resume)):
            self._keep(self.destroy_service, self.create_service(Trigger, f"~/{name}", callback))
        self._keep(self.destroy_service, self.create_service(SeekReplay, "~/seek", self._on_seek))
        self._keep(self.destroy_service, self.create_service(SetReplayRate, "~/set_rate", self._on_set_rate))

    def activate(self) -> None:
        """Play, as soon as inference is there."""
        assert self._player is not None
        self._timer = self.create_timer(STATUS_PERIOD_S, self._publish_status)
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)
        self._thread.start()

    def deactivate(self) -> None:
        """Stop; activated again it begins anew."""
        thread, self._thread = self._thread, None
        if self._player is not None:
            self._player.stop()
        if self._stage is not None:
            self._stage.stop()
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_S)
        self.destroy_timer(self._timer)

    def cleanup(self) -> None:
        """Close the recording; withdraw everything."""
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()
        if self._stage is not None:
            self._stage.close()
        if self._bag is not None:
            self._bag.close()
        self._bag = self._player = self._stage = self._check = None
        self._problem, self._notes, self._ready = "", [], False

    def parameter_refusal(self, name: str, value: Value) -> str | None:
        """A speed between none and the slowest."""
        if name == "speed" and isinstance(value, (int, float)):
            try:
                checked_rate(float(value))
            except ReplayError as error:
                return f"speed: {error}"
        return None

    def parameter_changed(self, name: str, value: Value) -> None:
        """Another speed."""
        if name == "speed" and self._player is not None and isinstance(value, (int, float)):
            try:
                self._player.set_rate(float(value))
            except ReplayError as error:
                self.get_logger().error(str(error))

    def health(self) -> Health:
        """What is played, where it is, and how the comparison stands."""
        player, bag, check = self._player, self._bag, self._check
        if player is None or bag is None:
            return Health(ERROR, "nothing is open")
        values: dict[str, object] = {
            "recording": bag.path.name,
            "level": self._level.value,
            "position_s": self._seconds(player.position_ns),
            "duration_s": self._seconds(bag.end_ns),
            "samples": player.samples,
        }
        if check is not None:
            values |= {"equal": check.equal, "different": check.different, "missing": check.missing}
            values["not_compared"] = check.not_compared
        if self._problem:
            return Health(ERROR, self._problem, values)
        if check is not None and (check.different or check.missing):
            return Health(WARN, check.summary, values)
        if self._notes:
            return Health(WARN, self._notes[0], values)
        return Health(OK, f"replay of {bag.path.name}", values)

    # Set-up.

    def _prepare(self, bag: Bag) -> None:
        choice = choice_of(
            bag,
            str(self.value("recorded")) or None,
            str(self.value("level")),
            float(self.value("start")),
            float(self.value("duration")),
            bool(self.value("check")),
        )
        self._namespace, self._level, self._part = choice.namespace, choice.level, choice.part
        timeline = Timeline(
            self._part.begin_ns,
            self._part.end_ns,
            rate=float(self.value("speed")),
            loop=bool(self.value("loop")),
            held=True,
            clock=time.monotonic,
        )
        if self.value("paused"):
            timeline.pause()
        again = self._level is not Level.WEIGHTS
        self._timeline = timeline
        self._check = FaceCheck() if self.value("check") else None
        self._notes = list(bag.cut)
        computed = [name for name in FROM_FACES if self.value(name)]
        played = played_topics(bag, self._namespace, self._level, computed)
        self._stage = RosStage(
            self, bag, played, begin_ns=self._part.begin_ns, inference=again, check=self._check, say=self._note
        )
        self._notes += [f"not played: {topic}" for topic in self._stage.left_out]
        self._player = Player(
            self._source(bag, self._stage, computed), timeline, self._stage, self._check, self._stage.wake
        )

    def _source(self, bag: Bag, stage: RosStage, computed: Sequence[str]) -> EventSource:
        if self._level is Level.WEIGHTS:
            return PublishedEvents(bag, self._namespace, computed)
        frames = None
        if self._level is Level.BYTES:
            from face_recording.replay.hub_frames import HubFrames  # the driver's code, for this level alone

            stage.add_publisher(ImuFrame, FRAMES)
            frames = HubFrames(bag, self._namespace, _frame)
        source = FrameEvents(bag, self._namespace, compare=self._check is not None, missed=_missed, frames=frames)
        self._source_of_frames, self._hub_frames = source, frames
        if not source.has_snapshots:
            self._notes.append(NO_SNAPSHOTS)
        return source

    def _keep(self, destroy: Any, entity: Any) -> None:
        self._entities.append((destroy, entity))

    # In the player's thread.

    def _run(self) -> None:
        player, stage = self._player, self._stage
        assert player is not None
        assert stage is not None
        for note in self._notes:
            self.get_logger().warning(note)
        try:
            stage.await_inference()
            self._ready = True
            while self._thread is not None:
                player.run()
                if not player.ended:
                    return
                self._at_end(player)
                if self.value("finish"):
                    return
                while player.ended and self._thread is not None:
                    stage.tell(player.position_ns)
                    stage.wait(0.1)
        except ImusicError as error:
            self._problem = str(error)
            self.failed = True
            self.get_logger().error(f"the replay has ended: {error}")
            if self.value("finish"):
                signal.raise_signal(signal.SIGTERM)

    def _at_end(self, player: Player) -> None:
        check = self._check
        said = f"end of the recording: {player.samples} samples played"
        if self._stage is not None and self._stage.flight.unanswered:
            said += f", {self._stage.flight.unanswered} without a face"
        if self._source_of_frames is not None and self._source_of_frames.lacking:
            said += f"; the recording lacks {self._source_of_frames.lacking} samples that inference had"
        if self._hub_frames is not None and (self._hub_frames.lost or self._hub_frames.unexplained):
            said += f"; it lacks {self._hub_frames.lost} pieces of the line, {self._hub_frames.unexplained} differ"
        self.get_logger().info(said)
        if check is not None:
            self.failed = self.failed or not check.ok
            self.get_logger().info(check.summary)
        self._publish_status()
        if self.value("finish"):
            signal.raise_signal(signal.SIGTERM)

    def _note(self, line: str) -> None:
        self._notes.append(line)
        self.get_logger().warning(line)

    # In the executor.

    def _on_pause(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._player is not None:
            self._player.pause()
        return self._answer(response)

    def _on_resume(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._player is not None:
            self._player.resume()
        return self._answer(response)

    def _on_seek(self, request: SeekReplay.Request, response: SeekReplay.Response) -> SeekReplay.Response:
        player = self._player
        if player is None or self._part is None or not self.is_active:
            return self._answer(response)
        if not abs(request.position) < 1e9:
            response.message = f"position: expected seconds, found {request.position!r}; give a number"
            return response
        from_ns = player.position_ns if request.relative else self._part.origin_ns
        response.position = self._seconds(player.seek(from_ns + round(1e9 * request.position)))
        return self._answer(response)

    def _on_set_rate(self, request: SetReplayRate.Request, response: SetReplayRate.Response) -> SetReplayRate.Response:
        try:
            if self._player is not None:
                self._player.set_rate(float(request.rate))
        except ReplayError as error:
            response.message = str(error)
            return response
        return self._answer(response)

    def _answer(self, response: Any) -> Any:
        if self._problem or not self.is_active:
            response.message = self._problem or "expected the player to be active, found it is not; activate it first"
        response.success = not response.message
        if response.success:
            self._publish_status()
        return response

    def _publish_status(self) -> None:
        player, bag, stage, check = self._player, self._bag, self._stage, self._check
        if player is None or bag is None or stage is None:
            return
        status = ReplayStatus()
        position_ns = player.position_ns
        status.header.stamp.sec, status.header.stamp.nanosec = divmod(position_ns, 1_000_000_000)
        status.path, status.wearer, status.level = str(bag.path), self._namespace, self._level.value
        status.state = self._state(player)
        status.message = self._problem or "; ".join(self._notes)
        status.position = self._seconds(position_ns)
        status.begin, status.end = self._seconds(self._timeline.begin_ns), self._seconds(self._timeline.end_ns)
        status.rate, status.reached_rate = self._timeline.rate, self._reached_rate(position_ns)
        status.laps, status.samples, status.unanswered = player.laps, player.samples, stage.flight.unanswered
        if check is not None:
            status.checked = True
            status.equal, status.different, status.missing = check.equal, check.different, check.missing
            status.not_compared = check.not_compared
        self._status.publish(status)

    def _state(self, player: Player) -> int:
        if self._problem:
            return int(ReplayStatus.STATE_FAILED)
        if player.ended:
            return int(ReplayStatus.STATE_ENDED)
        if not self._ready or player.catching_up:
            return int(ReplayStatus.STATE_WAITING)
        return int(ReplayStatus.STATE_PAUSED if player.paused else ReplayStatus.STATE_PLAYING)

    def _reached_rate(self, position_ns: int) -> float:
        then_s, then_ns, rate = self._reached
        now_s = time.monotonic()
        if now_s - then_s >= 1.0:
            if then_s and position_ns >= then_ns:
                rate = 1e-9 * (position_ns - then_ns) / (now_s - then_s)
            self._reached = (now_s, position_ns, rate)
        return rate

    def _seconds(self, moment_ns: int) -> float:
        return 1e-9 * (moment_ns - self._part.origin_ns) if self._part is not None else 0.0


def _missed(data: bytes) -> list[list[int]]:
    runs: list[list[int]] = missed_by_inference(data).tolist()
    return runs


def _frame(sample: ImuSample, stamp_ns: int, frame_id: str) -> ImuFrame:
    message = ImuFrame()
    message.header.frame_id = frame_id
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    fill_frame(message, sample)
    return message


def main() -> int:
    """Entry point of the executable `player`."""
    made: list[PlayerNode] = []

    def make() -> PlayerNode:
        made.append(PlayerNode())
        return made[0]

    status = run(make)
    return status or int(any(node.failed for node in made))


if __name__ == "__main__":
    raise SystemExit(main())
