"""The topics of one wearer, and what their messages mean to the tracker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout
from numpy.typing import NDArray
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from face_inference.face_estimate import FaceEstimate, InputLayout
from face_model import arkit
from face_model.imu_sample import ImuSample
from face_model.observability import OBSERVABLE
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import LATCHED, REPLAYED, SAMPLES

FRAMES = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
"""0.2 s at 100 Hz: a busy machine may stall the process for so long, and a gap would cost the network its memory, while
catching up takes 1 ms a sample. A machine that does not catch up takes the newest (`newest_waiting`), or the whole
queue would be its latency."""


MOST_WAITING = 1000
"""Frames that are skipped at once: somebody who publishes faster than they can be taken must not hold the node."""


class WearerTopics:
    """Subscriptions to `imu/layout` and `imu/frame`, the publishers of `face/blendshapes` and `face/head`.

    Args:
        node: that they belong to.
        place: what their names begin with: a namespace relative to the node's, with a slash at its end, or nothing. So
            they have the names that a node in the wearer's namespace would give them.
        model: title of the model, told in every face.
        on_layout: called with each layout.
        replay: no frame and no face is lost, and frames have no age.
    """

    def __init__(
        self, node: ManagedNode, place: str, model: str, on_layout: Callable[[SensorLayout], None], replay: bool = False
    ) -> None:
        self._replay = replay
        self._node, self._place, self._clock = node, place, node.get_clock()
        self._face = FaceBlendshapes(model=model, observable=[i in OBSERVABLE for i in range(arkit.COUNT)])
        self._frames: Any = None
        self._faces = node.create_lifecycle_publisher(
            FaceBlendshapes, f"{place}face/blendshapes", REPLAYED if replay else SAMPLES
        )
        self._heads = node.create_lifecycle_publisher(Imu, f"{place}face/head", REPLAYED if replay else SAMPLES)
        self._layouts = node.create_subscription(SensorLayout, f"{place}imu/layout", on_layout, LATCHED)

    def listen(self, on_frame: Callable[[ImuFrame], None]) -> None:
        """Call `on_frame` with each frame from now on."""
        self._frames = self._node.create_subscription(
            ImuFrame, f"{self._place}imu/frame", on_frame, REPLAYED if self._replay else FRAMES
        )

    def ignore(self) -> None:
        """Take no more frames."""
        self._node.destroy_subscription(self._frames)

    def close(self) -> None:
        """Withdraw what `listen` did not make."""
        self._node.destroy_subscription(self._layouts)
        self._node.destroy_publisher(self._faces)
        self._node.destroy_publisher(self._heads)

    def newest_waiting(self) -> tuple[ImuFrame | None, int]:
        """Empty the queue of frames: the newest that waited in it, and how many did."""
        newest, count = None, 0
        while count < MOST_WAITING and (taken := self._frames.handle.take_message(ImuFrame, False)) is not None:
            newest, count = taken[0], count + 1
        return newest, count

    @property
    def frames_topic(self) -> str:
        """Full name of the topic that frames come on."""
        return str(self._frames.topic_name)

    def age_s(self, header: Header) -> float:
        """Time from a frame's stamp to now on the ROS clock, s, as exact as the message of the face tells it."""
        if self._replay:
            return 0.0
        stamp = header.stamp
        age_s = 1e-9 * float(self._clock.now().nanoseconds - stamp.sec * 1_000_000_000 - stamp.nanosec)
        return float(np.float32(age_s))  # so that a replay can fade a face by it as this node does

    def publish(self, estimate: FaceEstimate, header: Header, age_s: float) -> None:
        """Publish a face with the header of the frame it was computed from, and the frame's age.

        A stamp ahead of the clock is of a driver that has another one, or of a `/clock` that went back or comes seldom:
        the age is then 0.
        """
        face = self._face
        face.header = header
        face.sequence = estimate.sequence
        face.state = int(estimate.state)
        face.weights = estimate.weights
        face.confidence = estimate.confidence
        q = face.head_orientation
        q.x, q.y, q.z, q.w = estimate.head_orientation.tolist()
        face.age = max(0.0, age_s)
        self._faces.publish(face)

    def publish_head(
        self, header: Header, orientation: NDArray[np.floating], rate: NDArray[np.floating] | None
    ) -> None:
        """Publish which way the head is turned, if somebody listens: see `head_message`."""
        if self._heads.get_subscription_count():
            self._heads.publish(head_message(header, orientation, rate))


def head_message(header: Header, orientation: NDArray[np.floating], rate: NDArray[np.floating] | None) -> Imu:
    """The head as one sensor, as REP-145 has them: the frame is the head's, the orientation is that in an earth frame.

    Covariances of what is measured are 0: unknown. What is not measured has -1 as the first element of its own.

    Args:
        header: of the face at the same sample; its frame is `face_head`.
        orientation: (4,) unit quaternion, `face_head` to an earth frame with z up.
        rate: (3,) rad/s, angular velocity in `face_head` axes; None: not measured.
    """
    message = Imu(header=header)
    q, w = message.orientation, message.angular_velocity
    q.x, q.y, q.z, q.w = orientation.tolist()
    if rate is None:
        message.angular_velocity_covariance[0] = -1.0
    else:
        w.x, w.y, w.z = rate.tolist()
    message.linear_acceleration_covariance[0] = -1.0
    return message


def sample_of(message: ImuFrame) -> ImuSample | None:
    """A message as a sample, whose arrays are the message's own memory; None if they do not fit together."""
    status = np.frombuffer(message.status, dtype=np.uint8)
    count = len(status)
    orientation = np.frombuffer(message.orientation, dtype=np.float32)
    angular_velocity = np.frombuffer(message.angular_velocity, dtype=np.float32)
    specific_force = np.frombuffer(message.specific_force, dtype=np.float32)
    if orientation.size != 4 * count or angular_velocity.size != 3 * count or specific_force.size != 3 * count:
        return None
    return ImuSample(
        layout_id=message.layout_id,
        sequence=message.sequence,
        hub_time_s=1e-6 * message.hub_time_us,
        status=status,
        orientation=orientation.reshape(count, 4),
        angular_velocity=angular_velocity.reshape(count, 3),
        specific_force=specific_force.reshape(count, 3),
    )


def layout_of(message: SensorLayout) -> InputLayout:
    """What the tracker needs of a layout."""
    return InputLayout(message.layout_id, tuple(sensor.name for sensor in message.sensors), float(message.rate))
