"""A take that is being recorded: what is heard goes into its bag, what is told of it into its sheet."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imusic.msg import Snapshot
from rclpy.node import Node
from rclpy.serialization import deserialize_message

from face_model.errors import ImusicError, OutputError
from face_recording.bag_metadata import BagTopic
from face_recording.listening import Listener
from face_recording.new_take import one_line
from face_recording.node_parameters import ParameterReader
from face_recording.recorded_topics import FACES, FACES_NAME, SNAPSHOT, TopicKind, absolute
from face_recording.recording import Figures, Recording, TopicCount, lost_by_topic, without_face

if TYPE_CHECKING:
    from face_recording.bag_writer import BagWriter
    from face_recording.take_sheet import TakeSheet

SILENT_S: Final = 2.0
"""Without a message of a face for this long something is wrong with the capture."""
FACES_AFTER_S: Final = 1.5
"""Whose wearer's snapshots have not come by then has none, and faces are recorded without."""
ASKED: Final = ("imu_driver", "face_inference", "face_reference")
"""Nodes whose parameters are kept with a take."""
MOST_TOLD: Final = 200
"""Letters of what a snapshot tells that a sheet keeps."""


class RunningTake:
    """Listens and writes from `begin` to `end`.

    Args:
        node: that listens.
        folder: of the take.
        sheet: as it begins.
        bag: of the folder.
        reserve_bytes: that stay free on the disk.
        kinds: topics that are recorded, see `Listener`.
        places: namespaces that are recorded.
        continues: folder of the take that this one goes on with; empty: none.

    Attributes:
        folder, continues: see above.
        recording: into the bag.
        listener: to the topics.
    """

    def __init__(
        self,
        node: Node,
        folder: Path,
        sheet: TakeSheet,
        bag: BagWriter,
        reserve_bytes: int,
        kinds: Mapping[str, TopicKind | None],
        places: Sequence[str],
        continues: str = "",
    ) -> None:
        self.folder, self.continues = folder, continues
        self.recording = Recording(bag, folder, reserve_bytes)
        self.listener = Listener(node, kinds, self._on_topic)
        self._node, self._bag, self._places = node, bag, tuple(places)
        self._sheet = self._written = sheet
        self._models: dict[str, dict[str, str]] = {}
        parents = {str(path) for place in places for path in (Path(place), *Path(place).parents)}
        self._parameters = ParameterReader(node, ASKED, parents)
        self._began_s = 0.0

    def begin(self) -> None:
        """Listen to all but snapshots and what is computed with them."""
        self.recording.start()
        self._began_s = time.monotonic()
        self.listener.look(snapshots=False, faces=False)
        self._parameters.look()

    def ask_for_snapshots(self) -> None:
        """Once what comes after them is heard."""
        self.listener.look(faces=False)

    def look(self, listen: bool) -> None:
        """Once a second: listen to what is published by now, if that is wanted, and keep the sheet up to date."""
        if listen:
            self.listener.look(faces=time.monotonic() - self._began_s > FACES_AFTER_S)
        self._parameters.look()
        self._write(self._told_sheet())

    def end(self) -> tuple[Figures, str]:
        """Stop and finish the sheet; figures, and what went wrong, empty if nothing did."""
        self.listener.close()
        self._parameters.close()
        self.recording.stop()
        figures, problem = self.recording.figures(), self.recording.problem
        ended: dict[str, Any] = {
            "state": "cut off" if problem else "finished",
            "duration_s": round(figures.duration_s, 3),
            "messages": {count.topic.name: count.messages for count in self.topics},
            "lost": lost_by_topic(self.topics),
            "samples_without_face": without_face(self.topics),
        }
        if problem:
            ended["problem"] = problem
        sheet = self._told_sheet()
        self._write(replace(sheet, other={**sheet.other, **ended}))
        return figures, problem

    @property
    def topics(self) -> list[TopicCount]:
        """What came of each topic, by name."""
        return sorted(self.recording.topics.values(), key=lambda count: count.topic.name)

    @property
    def faces(self) -> int:
        """Faces that came, of all wearers."""
        names = {absolute(place, FACES_NAME) for place in self._places}
        return sum(count.messages for count in self.topics if count.topic.name in names)

    def trouble(self, figures: Figures) -> str:
        """What is wrong with what comes in, and what to do; empty if all is well."""
        names = {absolute(place, name) for place in self._places for name in FACES}
        latest_s = max((count.last_s for count in self.topics if count.topic.name in names), default=-math.inf)
        if figures.duration_s > SILENT_S and time.monotonic() - latest_s > SILENT_S:
            return "no frames and no faces arrive; is the hub connected, and the graph running?"
        if figures.lost:
            named = ", ".join(f"{count} of {name}" for name, count in lost_by_topic(self.topics).items())
            return f"messages are missing: {named or figures.lost}; the machine is too busy, or the hub lost them"
        missed = without_face(self.topics)
        if missed:
            return (
                f"{missed} samples gave no face: inference is too slow on this machine; what was published is recorded"
            )
        return ""

    def _on_topic(self, topic: BagTopic, definition: str, kind: TopicKind) -> Callable[[bytes], None]:
        """See `OnTopic`."""
        self._bag.define(topic.type, definition)
        if kind.repeats:
            self._bag.repeat(topic, kind.repeats)
        if topic.type == SNAPSHOT:
            return lambda data: self._on_snapshot(topic, data)
        return lambda data: self.recording.put(topic, data)

    def _on_snapshot(self, topic: BagTopic, data: bytes) -> None:
        self.recording.put(topic, data)
        if topic.name not in self._models:
            self.listener.look(faces=False)  # this wearer's faces can be computed from now on
        snapshot = deserialize_message(data, Snapshot)
        self._models[topic.name] = {
            "model": snapshot.model,
            "model_hash": snapshot.model_hash,
            "engine": snapshot.engine,
            "wearer": snapshot.wearer,
            "version": snapshot.version,
        }

    def _told_sheet(self) -> TakeSheet:
        """The sheet with what snapshots and nodes told by now."""
        told = next((model for model in self._models.values() if model["model"]), {})
        return replace(
            self._sheet,
            wearer=self._sheet.wearer or one_line(told.get("wearer", ""), MOST_TOLD),
            model=one_line(told.get("model", ""), MOST_TOLD),
            model_hash=one_line(told.get("model_hash", ""), MOST_TOLD),
            engine=one_line(told.get("engine", ""), MOST_TOLD),
            other={
                **self._sheet.other,
                "snapshots": dict(self._models),
                "parameters": dict(self._parameters.values),
            },
        )

    def _write(self, sheet: TakeSheet) -> None:
        from face_recording.take_sheet import write_sheet

        if sheet == self._written:
            return
        self._written = sheet
        try:
            write_sheet(self.folder, sheet)
        except (ImusicError, OutputError) as error:
            self._node.get_logger().warning(f"take.yaml is not complete: {error}")
