"""ROS 2 node `recorder`: writes what a replay needs into rosbag2 folders, from `recorder/start` to `recorder/stop`."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imusic.msg import RecordingStatus
from imusic.srv import StartRecording
from std_srvs.srv import Trigger

from face_model.errors import ImusicError
from face_recording.cut_off import newest_cut_off, recorder_identity
from face_recording.errors import RecordingError
from face_recording.new_take import MB, AskedTake, check_room, new_take
from face_recording.parameters import PARAMETERS
from face_recording.recorded_topics import FACES, absolute, kinds, nothing_published
from face_recording.recording import Figures, lost_by_topic, without_face
from face_recording.repair import repair_all
from face_recording.running_take import RunningTake
from face_recording.take_folder import takes_folder
from imusic_ros.graph import GraphError, checked_namespace
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.process import run
from imusic_ros.qos import LATCHED

TICK_S = 1.0
SNAPSHOTS_AFTER_S = 0.3
"""What comes after a snapshot must be heard already: publishers of this machine are found in less."""


class RecorderNode(ManagedNode):
    """Records the wearers of its namespaces when it is asked to; see its parameters.

    It never disturbs what it records: it only listens, with its own process, thread and disk.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("recorder", PARAMETERS, **options)
        self._entities: list[tuple[Callable[[Any], bool], Any]] = []
        self._take: RunningTake | None = None
        self._last = RecordingStatus(disk_time_left=math.inf)
        self._waiting: AskedTake | None = None
        self._soon: Any = None
        self._face_counts: tuple[float, int] = (0.0, 0)
        self._refused_told: set[str] = set()

    # Lifecycle.

    def configure(self) -> None:
        """Check the namespaces, make services."""
        try:
            given = [checked_namespace(str(place)) for place in self.value("namespaces") if place]
        except GraphError as error:
            raise ConfigurationError(f"namespaces: {error}") from error
        here = self.get_namespace()
        self._places = [absolute("" if place.startswith("/") else here, place) for place in given] or [here]
        self._kinds = kinds([str(name) for name in self.value("topics")], self._places)
        if not self._kinds:
            raise ConfigurationError("topics: expected names of topics, found none; leave it out to record all")
        self._takes = takes_folder(str(self.value("takes")))
        self._identity = recorder_identity(self.get_fully_qualified_name())
        self._statuses = self.create_lifecycle_publisher(RecordingStatus, "recording/status", LATCHED)
        self._keep(self.destroy_publisher, self._statuses)
        self._keep(self.destroy_service, self.create_service(StartRecording, "~/start", self._on_start))
        self._keep(self.destroy_service, self.create_service(Trigger, "~/stop", self._on_stop))

    def activate(self) -> None:
        """Mend what was cut off before, and record at once if that is asked for."""
        self._waiting = AskedTake(str(self.value("take"))) if self.value("record") else None
        self._resume()
        threading.Thread(target=self._mend, name="mending", daemon=True).start()
        self._timer = self.create_timer(TICK_S, self._tick)
        self._publish_status()

    def deactivate(self) -> None:
        """End the recording."""
        self.destroy_timer(self._timer)
        self._end_take()

    def cleanup(self) -> None:
        """Release services."""
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()

    def health(self) -> Health:
        """Whether it records, what is missing, how long the disk lasts."""
        take, status = self._take, self._last
        if take is None:
            if status.state == RecordingStatus.STATE_FAILED:
                return Health(ERROR, status.message, {"path": status.path})
            return Health(OK, "waiting for something to record" if self._waiting else "not recording")
        figures = take.recording.figures()
        values: dict[str, object] = {
            "path": str(take.folder),
            "duration_s": round(figures.duration_s, 1),
            "messages": figures.messages,
            "faces_rate_hz": float(status.faces_rate),
            "megabytes": figures.bytes / MB,
            "disk_left_min": figures.disk_left_s / 60.0,
            "lost": figures.lost,
            "samples_without_face": without_face(take.topics),
            "flush_longest_s": figures.flush_longest_s,
            "waiting_most_mb": figures.waiting_bytes / MB,
        }
        values |= {f"lost {name}": count for name, count in lost_by_topic(take.topics).items()}
        trouble = self._trouble(take, figures)
        return Health(WARN if trouble else OK, trouble or f"recording {take.folder.name}", values)

    def _keep(self, destroy: Callable[[Any], bool], entity: Any) -> None:
        self._entities.append((destroy, entity))

    def _resume(self) -> None:
        """Record on where a recorder was killed in the midst of it, a moment ago."""
        cut = newest_cut_off(self._takes, self._identity) if self.value("resume") else None
        if cut is None:
            return
        self._waiting = AskedTake(cut.sheet.name, cut.sheet.wearer, cut.sheet.notes, str(cut.folder))
        self.get_logger().warning(
            f"records on, as its recorder was killed {cut.age_s:.1f} s ago: what was written before is in {cut.folder}"
        )

    def _mend(self) -> None:
        """In a thread: a long recording takes seconds."""
        for done in repair_all(self._takes):
            if isinstance(done, RecordingError):
                self.get_logger().warning(str(done))
            else:
                self.get_logger().info(f"mended {done.folder}, which was cut off: {done.messages} messages")

    # Services.

    def _on_start(self, request: StartRecording.Request, response: StartRecording.Response) -> StartRecording.Response:
        try:
            response.path = str(self._start(AskedTake(request.name, request.wearer, request.notes)))
            response.success = True
        except ImusicError as error:
            response.success, response.message = False, str(error)
            self.get_logger().info(f"not recording: {error}")  # whoever asked is told
        return response

    def _on_stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._waiting and self._take is None:
            self._waiting = None
            response.success, response.message = True, "nothing was recorded: nothing was published yet"
        elif self._take is None:
            response.success, response.message = False, "nothing is being recorded; recorder/start begins"
        else:
            self._end_take()
            response.success, response.message = not self._last.message, self._last.message or self._last.path
        return response

    # A take.

    def _start(self, asked: AskedTake) -> Path:
        if not self.is_active:
            raise RecordingError("expected an active recorder, found one that is not; activate it first")
        if self._take is not None:
            raise RecordingError(f"expected no recording, found one to {self._take.folder}; stop it first")
        self._check_something_is_published()
        reserve = int(self.value("disk_reserve_mb")) * MB
        check_room(self._takes, reserve)
        split_bytes, split_s = int(self.value("split_mb")) * MB, float(self.value("split_s"))
        folder, sheet, bag = new_take(self._takes, asked, self._identity, self._places, split_bytes, split_s)
        self._take = RunningTake(self, folder, sheet, bag, reserve, self._kinds, self._places, asked.continues)
        self._waiting = None
        self._face_counts = (time.monotonic(), 0)
        self._take.begin()
        self._soon = self.create_timer(SNAPSHOTS_AFTER_S, self._ask_for_snapshots)
        self.get_logger().info(f"recording to {folder}")
        self._publish_status()
        return folder

    def _ask_for_snapshots(self) -> None:
        self._forget_soon()
        if self._take is not None:
            self._take.ask_for_snapshots()

    def _forget_soon(self) -> None:
        soon, self._soon = self._soon, None
        if soon is not None:
            self.destroy_timer(soon)

    def _check_something_is_published(self) -> None:
        wanted = [absolute(place, name) for place in self._places for name in FACES]
        wanted += [name for name, kind in self._kinds.items() if kind is None]  # topics that people named
        if not any(self.count_publishers(name) for name in dict.fromkeys(wanted)):
            raise RecordingError(nothing_published(self._places))

    def _end_take(self) -> None:
        take, self._take = self._take, None
        if take is None:
            return
        self._forget_soon()
        figures, problem = take.end()
        state = RecordingStatus.STATE_FAILED if problem else RecordingStatus.STATE_IDLE
        self._last = self._status(state, take, figures, problem)
        self._last.faces_rate = take.faces / max(figures.duration_s, 1e-3)
        if problem:
            self.get_logger().error(problem)
        else:
            self.get_logger().info(
                f"recorded {take.folder}: {figures.duration_s:.1f} s, {figures.messages} messages, "
                f"{figures.bytes / MB:.1f} MB, {figures.lost} lost, "
                f"{without_face(take.topics)} samples without a face"
            )
        if self.context.ok():
            self._send(self._last)

    # Once a second.

    def _tick(self) -> None:
        take = self._take
        if take is None:
            if self._waiting is not None:
                self._start_if_possible(self._waiting)
            return
        if not take.recording.is_running:
            self._end_take()
            return
        take.look(listen=self._soon is None)
        for name, why in take.listener.refused.items():
            if name not in self._refused_told and not name.startswith("/tf"):
                self._refused_told.add(name)
                self.get_logger().warning(f"{name} is not recorded: {why}")
        self._publish_status()

    def _start_if_possible(self, asked: AskedTake) -> None:
        try:
            self._check_something_is_published()
        except RecordingError:
            return  # not yet
        try:
            self._start(asked)
        except ImusicError as error:
            self._waiting = None
            self.get_logger().error(f"not recording: {error}")
            self._last = RecordingStatus(
                state=RecordingStatus.STATE_FAILED, message=str(error), disk_time_left=math.inf
            )
            self._publish_status()

    def _publish_status(self) -> None:
        take = self._take
        if take is not None:
            figures = take.recording.figures()
            self._last = self._status(RecordingStatus.STATE_RECORDING, take, figures, self._trouble(take, figures))
            now_s, faces = time.monotonic(), take.faces
            then_s, before = self._face_counts
            if now_s - then_s >= TICK_S / 2:
                self._face_counts = (now_s, faces)
            self._last.faces_rate = max(faces - before, 0) / max(now_s - then_s, TICK_S / 2)
        self._send(self._last)

    def _send(self, status: RecordingStatus) -> None:
        status.header.stamp = self.get_clock().now().to_msg()
        self._statuses.publish(status)

    def _status(self, state: int, take: RunningTake, figures: Figures, message: str) -> RecordingStatus:
        return RecordingStatus(
            state=state,
            path=str(take.folder),
            continues=take.continues,
            message=message,
            duration=figures.duration_s,
            messages=figures.messages,
            bytes=figures.bytes,
            lost=figures.lost,
            samples_without_face=without_face(take.topics),
            disk_time_left=figures.disk_left_s,
        )

    def _trouble(self, take: RunningTake, figures: Figures) -> str:
        """What is wrong while it records, and what to do; empty if all is well."""
        left_min = figures.disk_left_s / 60.0
        if left_min < float(self.value("disk_warning_min")):
            return (
                f"the disk lasts for {left_min:.0f} min more, then the recording ends; make room on the disk of "
                f"{self._takes}"
            )
        return take.trouble(figures)


def main() -> int:
    """Entry point of the executable `recorder`."""
    return run(RecorderNode)


if __name__ == "__main__":
    raise SystemExit(main())
