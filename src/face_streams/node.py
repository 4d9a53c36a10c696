"""ROS 2 node `face_streams`: `face/blendshapes` in, streams for animation tools, avatars and web pages out.

Messages come as bytes, and of one that no stream is due for only the stamp is read. What is smoothed is smoothed by
time, so that nothing else is lost.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from imusic.msg import FaceBlendshapes

from face_model.face_message import FaceMessageError, read_face, stamp_s
from face_model.face_state import FaceState
from face_streams.address import is_open_to_others, parse_streams
from face_streams.errors import StreamsError
from face_streams.face import FacePipeline, RawFace
from face_streams.mapping import MAPPINGS
from face_streams.parameters import PARAMETERS
from face_streams.streams import Stream, StreamReport, open_stream
from imusic_ros.health import OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.process import run
from imusic_ros.qos import SENSOR_DATA

STATES = {int(state): state.name.lower() for state in FaceState}
SILENT_S = 1.0
"""Without a face for this long readers are told that there is none, and again as often."""


class FaceStreamsNode(ManagedNode):
    """Sends what the estimator gives; config/face_streams.yaml explains the parameters."""

    def __init__(self, **options: Any) -> None:
        super().__init__("face_streams", PARAMETERS, **options)
        self._streams: list[tuple[Stream, str]] = []
        self._pipelines: dict[str, FacePipeline] = {}
        self._subscription: Any = None
        self._timer: Any = None
        self._raw: RawFace | None = None
        self._passed_over: bytes | None = None
        self._heard_s = self._told_s = 0.0
        self._faces = 0
        self._refused: Counter[str] = Counter()
        self._said: dict[str, str] = {}

    def configure(self) -> None:
        """Check addresses and mappings, open sockets."""
        try:
            addresses = parse_streams(str(self.value("streams")))
            if not addresses:
                raise ConfigurationError(
                    "streams: expected addresses such as vmc://127.0.0.1:39539, found none; set the parameter `streams`"
                )
            names = [address.mapping or str(self.value("mapping")) for address in addresses]
            self._pipelines = {name: FacePipeline(MAPPINGS.load(name)) for name in dict.fromkeys(names)}
            for address, name in zip(addresses, names, strict=True):
                extra = self._pipelines[name].map.extra_names
                self._streams.append((open_stream(address, name, extra), name))
                if is_open_to_others(address):
                    self.get_logger().info(f"{address}: the face leaves this machine, unencrypted")
        except StreamsError as error:
            raise ConfigurationError(str(error)) from error

    def activate(self) -> None:
        """Begin to listen and to send."""
        self._raw, self._passed_over, self._faces = None, None, 0
        self._heard_s = self._told_s = self.now_s()
        self._subscription = self.create_subscription(
            FaceBlendshapes, "face/blendshapes", self._on_face, SENSOR_DATA, raw=True
        )
        self._timer = self.create_timer(SILENT_S, self._look)

    def deactivate(self) -> None:
        """Tell readers that there is no face any more, and stop listening."""
        self._tell_lost()
        if self._subscription is not None:
            self.destroy_subscription(self._subscription)
            self.destroy_timer(self._timer)
        self._subscription = self._timer = None

    def cleanup(self) -> None:
        """Close sockets."""
        streams, self._streams = self._streams, []
        for stream, _ in streams:
            stream.close()
        self._pipelines = {}

    def health(self) -> Health:
        """Whether faces come, and how each stream is. News of them are logged here."""
        reports = [stream.report() for stream, _ in self._streams]
        for (stream, _), report in zip(self._streams, reports, strict=True):
            self._log(str(stream.address), report)
        silent_s = self.now_s() - self._heard_s
        newest = self._newest()
        values: dict[str, object] = {"faces": self._faces, "state": newest.state if newest else "none yet"}
        values |= {f"refused: {reason}": count for reason, count in sorted(self._refused.items())}
        for (stream, name), report in zip(self._streams, reports, strict=True):
            values |= {f"{stream.address} mapping": name, str(stream.address): report.message}
            values |= {f"{stream.address} {key}": value for key, value in report.values.items()}
        bad = [report.message for report in reports if report.level != OK]
        if silent_s > SILENT_S:
            topic = self.resolve_topic_name("face/blendshapes")
            bad.insert(0, f"no face on {topic} for {silent_s:.0f} s; start the estimator, or check the namespace")
        if bad:
            return Health(WARN, "; ".join(bad), values)
        return Health(OK, "; ".join(report.message for report in reports), values)

    def _on_face(self, data: bytes) -> None:
        self._faces += 1
        try:
            due = self._due(stamp_s(data))
        except FaceMessageError:
            self._refused["no message of a face"] += 1
            return
        if not due:
            self._heard_s = self._told_s = self.now_s()
            self._passed_over = data
            return
        raw = self._taken_apart(data)
        if raw is not None:
            self._heard_s = self._told_s = self.now_s()
            self._send(raw, due)

    def _taken_apart(self, data: bytes) -> RawFace | None:
        """The face of a message; None where its numbers are such as no face has."""
        self._passed_over = None
        try:
            message = read_face(data)
        except FaceMessageError:
            self._refused["no message of a face"] += 1
            return None
        raw = RawFace(
            message.stamp_s,
            message.sequence,
            STATES.get(message.state, "stale"),
            message.weights.astype(np.float64),
            message.confidence.astype(np.float64),
            message.observable,
            np.array(message.head),
            message.model,
        )
        if not raw.is_usable:
            self._refused["numbers that no face has"] += 1
            return None
        self._raw = raw
        return raw

    def _newest(self) -> RawFace | None:
        if self._passed_over is not None:
            self._taken_apart(self._passed_over)
        return self._raw

    def _due(self, time_s: float) -> list[tuple[Stream, str]]:
        return [(stream, name) for stream, name in self._streams if stream.is_due(time_s)]

    def _send(self, raw: RawFace, due: list[tuple[Stream, str]]) -> None:
        made = {name: self._pipelines[name](raw) for name in dict.fromkeys(name for _, name in due)}
        for stream, name in due:
            stream.send(made[name])

    def _look(self) -> None:
        now_s = self.now_s()
        if now_s - self._heard_s > SILENT_S and now_s - self._told_s > 0.9 * SILENT_S:
            self._told_s = now_s
            self._tell_lost()

    def _tell_lost(self) -> None:
        raw = self._newest()
        if raw is not None:
            # Later than the last face by what has passed, so that a stream's pace does not hold it back.
            later_s = max(SILENT_S, self.now_s() - self._heard_s)
            lost = replace(raw, state="lost", time_s=raw.time_s + later_s)
            self._send(lost, self._due(lost.time_s))

    def _log(self, where: str, report: StreamReport) -> None:
        if self._said.get(where, "") == report.message:
            return
        self._said[where] = report.message
        if report.level != OK:
            self.get_logger().warning(report.message)
        else:
            self.get_logger().info(report.message)


def main() -> int:
    """Entry point of the executable `face_streams`."""
    return run(FaceStreamsNode)


if __name__ == "__main__":
    raise SystemExit(main())
