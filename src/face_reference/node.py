"""ROS 2 node `face_reference`: a phone's or a webcam's face in, `face/reference` out."""

from __future__ import annotations

import time
from array import array
from typing import Any

from geometry_msgs.msg import Quaternion
from imusic.msg import FaceReference

from face_model.frames import checked_frame, head_frame
from face_reference.errors import SourceError
from face_reference.frame import ReferenceFrame
from face_reference.parameters import PARAMETERS
from face_reference.reader_thread import ReaderThread
from face_reference.sources import make_source
from imusic_ros.health import ERROR, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.process import run
from imusic_ros.qos import SENSOR_DATA

_PATIENCE = 3
"""So many looks, one a second, before it is worth a line that nothing came yet."""
_UNTURNED = Quaternion(x=0.0, y=0.0, z=0.0, w=1.0)


class FaceReferenceNode(ManagedNode):
    """Publishes what a source sees; config/face_reference.yaml explains the parameters.

    A phone that is not there, or a port that is taken, is no failed configuration: the node waits and says so in its
    diagnostics.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("face_reference", PARAMETERS, **options)
        self._publisher: Any = None
        self._thread: ReaderThread | None = None
        self._said = ""
        self._rejects_said = self._looked = 0

    def configure(self) -> None:
        """Check what can be wrong without a phone."""
        try:
            self._source = make_source(
                str(self.value("source")),
                str(self.value("listen")),
                self.value("senders"),
                str(self.value("phone")),
                str(self.value("camera")),
                str(self.value("landmarker")),
            )
        except SourceError as error:
            raise ConfigurationError(str(error)) from error
        try:
            self._frame_id = checked_frame(head_frame(self.get_namespace(), str(self.value("frame_id"))))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        self._publisher = self.create_lifecycle_publisher(FaceReference, "face/reference", SENSOR_DATA)

    def activate(self) -> None:
        """Begin to listen."""
        self._thread = ReaderThread(self._source, self._on_frame)
        self._said, self._rejects_said, self._looked = "", 0, 0
        self._thread.start()

    def deactivate(self) -> None:
        """Stop listening."""
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                thread.stop()
            except TimeoutError as error:
                self.get_logger().error(str(error))

    def cleanup(self) -> None:
        """Release the publisher."""
        if self._publisher is not None:
            self.destroy_publisher(self._publisher)
            self._publisher = None

    def health(self) -> Health:
        """Pictures, faces, rate, the source's clock, and what was refused by reason. News of them are logged here."""
        thread = self._thread
        if thread is None or not thread.alive:
            return Health(ERROR, "the reader has ended: deactivate and activate the node, and report it")
        problem = thread.problem or self._source.problem
        report = thread.watch.report(time.monotonic(), self._source.description, problem)
        rejected = dict(self._source.rejected)
        values: dict[str, object] = {
            **report.values,
            "clock_drift_ppm": thread.clock.drift_ppm,
            "clock_restarts": thread.clock.restarts,
            "rejected": sum(rejected.values()),
            **{f"rejected: {reason}": count for reason, count in sorted(rejected.items())},
        }
        self._looked += 1
        if thread.watch.pictures or problem or self._looked > _PATIENCE:
            self._log(report.level, report.message, rejected)
        return Health(report.level, report.message, values)

    def _log(self, level: int, message: str, rejected: dict[str, int]) -> None:
        # Numbers in a line that comes every second are no news.
        said = f"{level} {message.partition(' for ')[0] if level else self._source.description}"
        if said != self._said:
            self._said = said
            # One call site for each severity: rclpy refuses another severity from the same line.
            if level:
                self.get_logger().warning(message)
            else:
                self.get_logger().info(message)
        total = sum(rejected.values())
        if total > 2 * self._rejects_said:  # each time it has doubled: a flood must not fill the log
            self._rejects_said = total
            shown = ", ".join(f"{count} {reason}" for reason, count in sorted(rejected.items()))
            self.get_logger().warning(f"refused: {shown}")

    # In the reader's thread.

    def _on_frame(self, frame: ReferenceFrame, taken_s: float) -> None:
        publisher = self._publisher
        if publisher is None:
            return
        message = FaceReference()
        # The ROS clock is read once for a picture; a step of the wall clock is followed at once.
        age_ns = round(1e9 * max(0.0, time.monotonic() - taken_s))
        stamp_ns = max(0, self.get_clock().now().nanoseconds - age_ns)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
        message.header.frame_id = self._frame_id
        message.source = frame.source
        message.number = max(0, frame.number)
        message.source_time = frame.source_time_s
        message.face_seen = frame.face_seen
        message.weights = array("f", frame.weights.tobytes())
        message.seen = [bool(seen) for seen in frame.seen]
        message.head_seen = frame.head is not None
        if frame.head is not None:
            x, y, z, w = frame.head
            message.head_orientation = Quaternion(x=x, y=y, z=z, w=w)
        else:
            message.head_orientation = _UNTURNED
        publisher.publish(message)


def main() -> int:
    """Entry point of the executable `face_reference`."""
    return run(FaceReferenceNode)


if __name__ == "__main__":
    raise SystemExit(main())
