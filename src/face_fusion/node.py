"""ROS 2 node `face_fusion`: the sensors' face and a camera's in, one face on `face/fused` out."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
from imusic.msg import FaceBlendshapes, FaceReference, FusedShares

from face_fusion.faces import FusedFace, Picture, SensorFace, State
from face_fusion.fuser import Fuser, FuserParams
from face_fusion.parameters import PARAMETERS
from face_fusion.regions import REGIONS
from face_fusion.report import health_of
from face_fusion.witness import WitnessParams
from face_model.face_message import FaceMessageError, read_face, read_reference
from face_model.frames import checked_frame, head_frame
from imusic_ros.health import Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.process import run
from imusic_ros.qos import SAMPLES, SENSOR_DATA

CAMERA, SPEECH = "camera", "speech"
TOPICS = {CAMERA: "face/reference", SPEECH: "face/speech"}
"""Sources beside the sensors and where they are heard."""

_SPEECH = WitnessParams(rest=0.2, gain=0.5, lag_s=0.04, patience_s=0.4)


class FaceFusionNode(ManagedNode):
    """Publishes one face from all; config/face_fusion.yaml explains the parameters.

    A face of the sensors is answered in the callback that it came with, with its stamp and number.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("face_fusion", PARAMETERS, **options)
        self._fuser: Fuser | None = None
        self._faces: Any = None
        self._shares: Any = None
        self._subscriptions: list[Any] = []
        self._names: dict[str, str] = {}

    def configure(self) -> None:
        """Read the parameters; nothing is opened."""
        camera = WitnessParams(
            float(self.value("camera_rest_error")),
            float(self.value("camera_gain_error")),
            float(self.value("camera_lag")),
            bool(self.value("find_lag")),
            float(self.value("patience")),
        )
        try:
            self._frame_id = checked_frame(head_frame(self.get_namespace(), str(self.value("frame_id"))))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        self._fuser = Fuser({CAMERA: camera, SPEECH: _SPEECH}, FuserParams(float(self.value("ease"))))
        self._face = FaceBlendshapes()
        self._face.head_orientation.w = 1.0
        self._face.header.frame_id = self._frame_id
        self._model, self._made, self._refused, self._cost_s = "", 0, 0, 0.0
        self._faces = self.create_lifecycle_publisher(FaceBlendshapes, "face/fused", SAMPLES)
        self._shares = self.create_lifecycle_publisher(FusedShares, "face/fused_shares", SENSOR_DATA)

    def activate(self) -> None:
        """Begin to listen."""
        self._subscriptions = [
            self.create_subscription(FaceBlendshapes, "face/blendshapes", self._on_face, SENSOR_DATA, raw=True),
            *(
                self.create_subscription(FaceReference, topic, partial(self._on_picture, name), SENSOR_DATA, raw=True)
                for name, topic in TOPICS.items()
            ),
        ]

    def deactivate(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            self.destroy_subscription(subscription)
        self._subscriptions = []

    def cleanup(self) -> None:
        """Release the publishers; what was learned of the sources is forgotten."""
        for publisher in (self._faces, self._shares):
            if publisher is not None:
                self.destroy_publisher(publisher)
        self._faces = self._shares = self._fuser = None

    def health(self) -> Health:
        """Who makes the face, each source's condition, lag and trust, and the cost of a face."""
        assert self._fuser is not None
        level, message, values = health_of(self._fuser, self._clock_s())
        values |= {"faces": self._made, "no_messages": self._refused, "cost_ms": 1e3 * self._cost_s}
        return Health(level, message, values)

    @property
    def _is_listened_to(self) -> bool:
        return bool(self._faces.get_subscription_count() or self._shares.get_subscription_count())

    def _clock_s(self) -> float:
        return 1e-9 * float(self.get_clock().now().nanoseconds)

    def _on_face(self, data: bytes) -> None:
        fuser = self._fuser
        if fuser is None:
            return
        began_s = time.perf_counter()
        try:
            message = read_face(data)
        except FaceMessageError:
            self._refused += 1
            return
        made = fuser.sense(
            SensorFace(
                message.stamp_s,
                message.weights.astype(np.float64),
                message.confidence.astype(np.float64),
                State(message.state) if message.state in _STATES else State.STALE,
                message.observable,
            ),
            self._clock_s(),
            self._is_listened_to,
        )
        if made is None:
            return
        face = self._face
        header, q = face.header, face.head_orientation
        header.stamp.sec, header.stamp.nanosec, header.frame_id = message.sec, message.nanosec, message.frame_id
        face.sequence = message.sequence
        q.x, q.y, q.z, q.w = message.head
        self._model = message.model
        self._publish(made, began_s)

    def _on_picture(self, name: str, data: bytes) -> None:
        fuser = self._fuser
        if fuser is None:
            return
        began_s = time.perf_counter()
        try:
            message = read_reference(data)
        except FaceMessageError:
            self._refused += 1
            return
        self._names[name] = message.source[:64]
        made = fuser.see(
            name,
            Picture(
                message.stamp_s,
                message.weights.astype(np.float64),
                message.seen,
                message.face_seen,
                message.confidence.astype(np.float64),
            ),
            self._is_listened_to,
        )
        if made is None:
            return
        header = self._face.header
        header.stamp.sec, header.stamp.nanosec, header.frame_id = message.sec, message.nanosec, self._frame_id
        self._publish(made, began_s)

    def _publish(self, made: FusedFace, began_s: float) -> None:
        face, fuser = self._face, self._fuser
        assert fuser is not None
        self._made += 1
        if self._faces.get_subscription_count():
            self._tell(made, face, fuser)
        if self._shares.get_subscription_count():
            self._shares.publish(self._shares_of(made, fuser))
        self._cost_s += 0.01 * (time.perf_counter() - began_s - self._cost_s)

    def _tell(self, made: FusedFace, face: FaceBlendshapes, fuser: Fuser) -> None:
        face.state = int(made.state)
        face.weights = made.weights.astype(np.float32)
        face.confidence = made.confidence.astype(np.float32)
        face.observable = made.measured.tolist()
        stamp = face.header.stamp
        face.age = max(0.0, self._clock_s() - stamp.sec - 1e-9 * stamp.nanosec)
        seen = [self._names.get(name, name) for name, each in fuser.witnesses.items() if each.condition == "seen"]
        face.model = " + ".join(part for part in (self._model, *seen) if part)
        self._faces.publish(face)

    def _shares_of(self, made: FusedFace, fuser: Fuser) -> FusedShares:
        witnesses = fuser.witnesses
        return FusedShares(
            header=self._face.header,
            sequence=self._face.sequence,
            sources=[self._names.get(name, name) for name in witnesses],
            conditions=[each.condition for each in witnesses.values()],
            shares=made.shares.astype(np.float32).reshape(-1).tolist(),
            lag=[each.lag_s for each in witnesses.values()],
            trust=[float(trust) for each in witnesses.values() for trust in each.trusted[: len(REGIONS)]],
            offset=made.offsets.astype(np.float32),
        )


_STATES = frozenset(int(state) for state in State)


def main() -> int:
    """Entry point of the executable `face_fusion`."""
    return run(FaceFusionNode)


if __name__ == "__main__":
    raise SystemExit(main())
