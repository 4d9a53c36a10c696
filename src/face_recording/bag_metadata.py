"""`metadata.yaml` of a rosbag2 bag, in version 8: what `ros2 bag` of Humble and of all later distributions reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from face_model.outputs import write_private

METADATA_FILE = "metadata.yaml"
VERSION = 8
"""From 9 on, Humble and Iron cannot read the qualities of service."""


@dataclass(frozen=True)
class BagTopic:
    """A topic of a bag.

    Attributes:
        name: absolute.
        type: of its messages, such as `imusic/msg/ImuFrame`.
        qos: what its publishers offered, as text of YAML (`qos_text`); empty if unknown.
        type_hash: as REP 2016 has it, or empty.
    """

    name: str
    type: str
    qos: str = ""
    type_hash: str = ""


@dataclass
class BagFile:
    """What is in one file of a bag: messages by topic, and the times of the first and the last (ns)."""

    name: str
    counts: dict[BagTopic, int] = field(default_factory=dict)
    first_ns: int | None = None
    last_ns: int | None = None

    def add(self, topic: BagTopic, time_ns: int, count: int = 1) -> None:
        """Count messages of one time."""
        self.counts[topic] = self.counts.get(topic, 0) + count
        self.first_ns = time_ns if self.first_ns is None else min(time_ns, self.first_ns)
        self.last_ns = time_ns if self.last_ns is None else max(time_ns, self.last_ns)


def qos_text(reliable: bool, latched: bool, depth: int) -> str:
    """The quality of service of a publisher; numbers are those of rmw/types.h."""
    forever = "{sec: 9223372036, nsec: 854775807}"  # ROS' infinite duration
    return f"""- history: 1
  depth: {depth}
  reliability: {1 if reliable else 2}
  durability: {1 if latched else 2}
  deadline: {forever}
  lifespan: {forever}
  liveliness: 1
  liveliness_lease_duration: {forever}
  avoid_ros_namespace_conventions: false"""


def information(files: Sequence[BagFile], distribution: str = "") -> dict[str, Any]:
    """What stands under `rosbag2_bagfile_information`."""
    counts: dict[BagTopic, int] = {}
    for file in files:
        for topic, count in file.counts.items():
            counts[topic] = counts.get(topic, 0) + count
    firsts = [file.first_ns for file in files if file.first_ns is not None]
    lasts = [file.last_ns for file in files if file.last_ns is not None]
    first, last = min(firsts, default=0), max(lasts, default=0)
    return {
        "version": VERSION,
        "storage_identifier": "mcap",
        "duration": {"nanoseconds": last - first},
        "starting_time": {"nanoseconds_since_epoch": first},
        "message_count": sum(counts.values()),
        "topics_with_message_count": [
            {
                "topic_metadata": {
                    "name": topic.name,
                    "type": topic.type,
                    "serialization_format": "cdr",
                    "offered_qos_profiles": topic.qos,
                    "type_description_hash": topic.type_hash,
                },
                "message_count": count,
            }
            for topic, count in sorted(counts.items(), key=lambda entry: entry[0].name)
        ],
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [file.name for file in files],
        "files": [
            {
                "path": file.name,
                "starting_time": {"nanoseconds_since_epoch": file.first_ns or 0},
                "duration": {"nanoseconds": (file.last_ns or 0) - (file.first_ns or 0)},
                "message_count": sum(file.counts.values()),
            }
            for file in files
        ],
        "custom_data": {"recorded_by": "imusic"},
        "ros_distro": distribution or "unknown",
    }


def write_metadata(folder: Path, files: Sequence[BagFile], distribution: str = "") -> None:
    """Write `metadata.yaml`, whole or not at all; only its owner can read it (0600), as the bag's files.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    text = yaml.safe_dump({"rosbag2_bagfile_information": information(files, distribution)}, sort_keys=False)

    write_private(folder / METADATA_FILE, text)
