"""ROS 2 node `recorder`: writes what a replay needs into rosbag2 folders, from `recorder/start` to `recorder/stop`."""

from __future__ import annotations

import math
import os
import platform
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imusic.msg import RecordingStatus, Snapshot
from imusic.srv import StartRecording
from rclpy.serialization import deserialize_message
from std_srvs.srv import Trigger

from face_model.errors import ImusicError, OutputError
from face_recording.bag_metadata import BagTopic
from face_recording.cut_off import RECORDING, newest_cut_off, recorder_identity
from face_recording.errors import RecordingError
from face_recording.listening import Listener
from face_recording.node_parameters import ParameterReader
from face_recording.parameters import PARAMETERS
from face_recording.recorded_topics import FACES, SNAPSHOT, TopicKind, absolute, kinds, nothing_published
from face_recording.recording import Figures, Recording, lost_by_topic, without_face
from face_recording.repair import repair_all
from face_recording.take_folder import make_take_folder, takes_folder
from imusic_ros.graph import GraphError, checked_namespace
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.process import run
from imusic_ros.qos import LATCHED

if TYPE_CHECKING:
    from face_recording.take_sheet import TakeSheet

TICK_S = 1.0
SILENT_S = 2.0
"""Without a message of a face for this long something is wrong with the capture."""
SNAPSHOTS_AFTER_S = 0.3
"""What comes after a snapshot must be heard already: publishers of this machine are found in less."""
FACES_AFTER_S = 1.5
"""Whose wearer's snapshots have not come by then has none, and faces are recorded without."""
ASKED = ("imu_driver", "face_inference", "face_reference")
"""Nodes whose parameters are kept with a take."""
MB = 1 << 20


@dataclass
class _Take:
    """A recording, and what belongs to it."""

    folder: Path
    recording: Recording
    sheet: TakeSheet
    listener: Listener
    parameters: ParameterReader
    models: dict[str, dict[str, str]]
    written: TakeSheet | None = None
    continues: str = ""


class _Asked(NamedTuple):
    """A recording that begins as soon as there is something to record."""

    name: str
    wearer: str = ""
    notes: str = ""
    continues: str = ""


class RecorderNode(ManagedNode):
    """Records the wearers of its namespaces when it is asked to; see its parameters.

    It never disturbs what it records: it only listens, with its own process, thread and disk.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("recorder", PARAMETERS, **options)
        self._entities: list[tuple[Callable[[Any], bool], Any]] = []
        self._take: _Take | None = None
        self._last = RecordingStatus(disk_time_left=math.inf)
        self._waiting: _Asked | None = None
        self._soon: Any = None
        self._began_s = 0.0
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
        self._waiting = _Asked(str(self.value("take"))) if self.value("record") else None
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
            "samples_without_face": without_face(self._topics(take)),
            "flush_longest_s": figures.flush_longest_s,
            "waiting_most_mb": figures.waiting_bytes / MB,
        }
        values |= {f"lost {name}": count for name, count in lost_by_topic(self._topics(take)).items()}
        trouble = self._trouble(take, figures)
        return Health(WARN if trouble else OK, trouble or f"recording {take.folder.name}", values)

    def _keep(self, destroy: Callable[[Any], bool], entity: Any) -> None:
        self._entities.append((destroy, entity))

    def _resume(self) -> None:
        """Record on where a recorder was killed in the midst of it, a moment ago."""
        cut = newest_cut_off(self._takes, self._identity) if self.value("resume") else None
        if cut is None:
            return
        self._waiting = _Asked(cut.sheet.name, cut.sheet.wearer, cut.sheet.notes, str(cut.folder))
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
            response.path = str(self._start(request.name, request.wearer, request.notes))
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

    def _start(self, name: str, wearer: str, notes: str, continues: str = "") -> Path:
        if not self.is_active:
            raise RecordingError("expected an active recorder, found one that is not; activate it first")
        if self._take is not None:
            raise RecordingError(f"expected no recording, found one to {self._take.folder}; stop it first")
        self._check_something_is_published()
        reserve = int(self.value("disk_reserve_mb")) * MB
        self._check_room(reserve)
        from face_recording.bag_writer import BagWriter

        folder = make_take_folder(self._takes, name, datetime.now().astimezone())
        try:
            sheet = self._sheet(name, wearer, notes, continues)
            self._write_sheet(folder, sheet)
            bag = BagWriter(
                folder,
                int(self.value("split_mb")) * MB,
                float(self.value("split_s")),
                os.environ.get("ROS_DISTRO", ""),
            )
        except (OSError, ImusicError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise RecordingError(
                    f"expected to write {folder}, found: {error.strerror or error}; make room or name another folder"
                ) from error
            raise
        recording = Recording(bag, folder, reserve)

        def on_topic(topic: BagTopic, definition: str, kind: TopicKind) -> Callable[[bytes], None]:
            bag.define(topic.type, definition)
            if kind.repeats:
                bag.repeat(topic, kind.repeats)
            if topic.type == SNAPSHOT:
                return lambda data: self._on_snapshot(topic, data)
            return lambda data: recording.put(topic, data)

        parents = {str(path) for place in self._places for path in (Path(place), *Path(place).parents)}
        parameters = ParameterReader(self, ASKED, parents)
        listener = Listener(self, self._kinds, on_topic)
        self._take = take = _Take(folder, recording, sheet, listener, parameters, {}, sheet, continues)
        self._waiting = None
        self._face_counts = (time.monotonic(), 0)
        recording.start()
        self._began_s = time.monotonic()
        take.listener.look(snapshots=False, faces=False)
        self._soon = self.create_timer(SNAPSHOTS_AFTER_S, self._ask_for_snapshots)
        take.parameters.look()
        self.get_logger().info(f"recording to {folder}")
        self._publish_status()
        return folder

    def _ask_for_snapshots(self) -> None:
        self._forget_soon()
        if self._take is not None:
            self._take.listener.look(faces=False)

    def _forget_soon(self) -> None:
        soon, self._soon = self._soon, None
        if soon is not None:
            self.destroy_timer(soon)

    def _check_something_is_published(self) -> None:
        wanted = [absolute(place, name) for place in self._places for name in FACES]
        wanted += [name for name, kind in self._kinds.items() if kind is None]  # topics that people named
        if not any(self.count_publishers(name) for name in dict.fromkeys(wanted)):
            raise RecordingError(nothing_published(self._places))

    def _check_room(self, reserve: int) -> None:
        place = self._takes
        while not place.exists() and place != place.parent:
            place = place.parent
        free = shutil.disk_usage(place).free
        if free <= reserve + 16 * MB:
            raise RecordingError(
                f"expected more than {reserve // MB} MB on the disk of {self._takes}, which are kept free, found "
                f"{free // MB} MB; make room, name another folder, or lower disk_reserve_mb"
            )

    def _sheet(self, name: str, wearer: str, notes: str, continues: str) -> TakeSheet:
        from face_model.version import version
        from face_recording.code_hash import code_hash
        from face_recording.take_sheet import MOST_NAME, checked_sheet

        values = {
            "name": _line(name, MOST_NAME),
            "wearer": _line(wearer, MOST_NAME),
            "notes": notes,
            "created": datetime.now().astimezone().isoformat(),
            "imusic": version(),
            "code_hash": code_hash(),
        }
        about = {
            "namespaces": list(self._places),
            "state": RECORDING,
            "recorder": self._identity,
            **({"continues": Path(continues).name} if continues else {}),
            "ros": os.environ.get("ROS_DISTRO", ""),
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        return checked_sheet({**values, **about})

    def _write_sheet(self, folder: Path, sheet: TakeSheet) -> None:
        from face_recording.take_sheet import write_sheet

        write_sheet(folder, sheet)

    def _on_snapshot(self, topic: BagTopic, data: bytes) -> None:
        take = self._take
        if take is None:
            return
        take.recording.put(topic, data)
        if topic.name not in take.models:
            take.listener.look(faces=False)  # this wearer's faces can be computed from now on
        snapshot = deserialize_message(data, Snapshot)
        take.models[topic.name] = {
            "model": snapshot.model,
            "model_hash": snapshot.model_hash,
            "engine": snapshot.engine,
            "wearer": snapshot.wearer,
            "version": snapshot.version,
        }

    def _known_by_now(self, take: _Take) -> TakeSheet:
        """The sheet with what snapshots and nodes told."""
        told = next((model for model in take.models.values() if model["model"]), {})
        return replace(
            take.sheet,
            wearer=take.sheet.wearer or _line(told.get("wearer", ""), 200),
            model=_line(told.get("model", ""), 200),
            model_hash=_line(told.get("model_hash", ""), 200),
            engine=_line(told.get("engine", ""), 200),
            other={**take.sheet.other, "snapshots": dict(take.models), "parameters": dict(take.parameters.values)},
        )

    def _update_sheet(self, take: _Take, sheet: TakeSheet) -> None:
        if sheet == take.written:
            return
        take.written = sheet
        try:
            self._write_sheet(take.folder, sheet)
        except (ImusicError, OutputError) as error:
            self.get_logger().warning(f"take.yaml is not complete: {error}")

    def _end_take(self) -> None:
        take, self._take = self._take, None
        if take is None:
            return
        self._forget_soon()
        take.listener.close()
        take.parameters.close()
        take.recording.stop()
        figures, problem = take.recording.figures(), take.recording.problem
        sheet = self._known_by_now(take)
        ended = {
            "state": "cut off" if problem else "finished",
            "duration_s": round(figures.duration_s, 3),
            "messages": {count.topic.name: count.messages for count in self._topics(take)},
            "lost": lost_by_topic(self._topics(take)),
            "samples_without_face": without_face(self._topics(take)),
        }
        if problem:
            ended["problem"] = problem
        self._update_sheet(take, replace(sheet, other={**sheet.other, **ended}))
        state = RecordingStatus.STATE_FAILED if problem else RecordingStatus.STATE_IDLE
        self._last = self._status(state, take, figures, problem)
        self._last.faces_rate = self._faces(take) / max(figures.duration_s, 1e-3)
        if problem:
            self.get_logger().error(problem)
        else:
            self.get_logger().info(
                f"recorded {take.folder}: {figures.duration_s:.1f} s, {figures.messages} messages, "
                f"{figures.bytes / MB:.1f} MB, {figures.lost} lost, "
                f"{without_face(self._topics(take))} samples without a face"
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
        if self._soon is None:
            take.listener.look(faces=time.monotonic() - self._began_s > FACES_AFTER_S)
        take.parameters.look()
        for name, why in take.listener.refused.items():
            if name not in self._refused_told and not name.startswith("/tf"):
                self._refused_told.add(name)
                self.get_logger().warning(f"{name} is not recorded: {why}")
        self._update_sheet(take, self._known_by_now(take))
        self._publish_status()

    def _start_if_possible(self, asked: _Asked) -> None:
        try:
            self._check_something_is_published()
        except RecordingError:
            return  # not yet
        try:
            self._start(*asked)
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
            now_s, faces = time.monotonic(), self._faces(take)
            then_s, before = self._face_counts
            if now_s - then_s >= TICK_S / 2:
                self._face_counts = (now_s, faces)
            self._last.faces_rate = max(faces - before, 0) / max(now_s - then_s, TICK_S / 2)
        self._send(self._last)

    def _send(self, status: RecordingStatus) -> None:
        status.header.stamp = self.get_clock().now().to_msg()
        self._statuses.publish(status)

    def _status(self, state: int, take: _Take, figures: Figures, message: str) -> RecordingStatus:
        return RecordingStatus(
            state=state,
            path=str(take.folder),
            continues=take.continues,
            message=message,
            duration=figures.duration_s,
            messages=figures.messages,
            bytes=figures.bytes,
            lost=figures.lost,
            samples_without_face=without_face(self._topics(take)),
            disk_time_left=figures.disk_left_s,
        )

    def _trouble(self, take: _Take, figures: Figures) -> str:
        """What is wrong while it records, and what to do; empty if all is well."""
        left_min = figures.disk_left_s / 60.0
        if left_min < float(self.value("disk_warning_min")):
            return (
                f"the disk lasts for {left_min:.0f} min more, then the recording ends; make room on the disk of "
                f"{self._takes}"
            )
        faces = [count for count in self._topics(take) if count.topic.name in self._face_topics]
        latest_s = max((count.last_s for count in faces), default=-math.inf)
        if figures.duration_s > SILENT_S and time.monotonic() - latest_s > SILENT_S:
            return "no frames and no faces arrive; is the hub connected, and the graph running?"
        if figures.lost:
            named = ", ".join(f"{count} of {name}" for name, count in lost_by_topic(self._topics(take)).items())
            return f"messages are missing: {named or figures.lost}; the machine is too busy, or the hub lost them"
        missed = without_face(self._topics(take))
        if missed:
            return (
                f"{missed} samples gave no face: inference is too slow on this machine; what was published is recorded"
            )
        return ""

    @property
    def _face_topics(self) -> set[str]:
        return {absolute(place, name) for place in self._places for name in FACES}

    def _faces(self, take: _Take) -> int:
        names = {absolute(place, "face/blendshapes") for place in self._places}
        return sum(count.messages for count in self._topics(take) if count.topic.name in names)

    @staticmethod
    def _topics(take: _Take) -> list[Any]:
        return sorted(take.recording.topics.values(), key=lambda count: count.topic.name)


def _line(text: str, longest: int) -> str:
    """Text as one line that can be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:longest].strip()


def main() -> int:
    """Entry point of the executable `recorder`."""
    return run(RecorderNode)


if __name__ == "__main__":
    raise SystemExit(main())
