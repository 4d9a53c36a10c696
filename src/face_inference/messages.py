"""Messages and what they mean to the tracker."""

from __future__ import annotations

import numpy as np
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout
from std_msgs.msg import Header

from face_inference.samples import FaceEstimate, InputLayout
from face_model.imu_sample import ImuSample


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


def fill(message: FaceBlendshapes, estimate: FaceEstimate, header: Header, age_s: float) -> None:
    """Write an estimate into a message, which may be used again and again."""
    message.header = header
    message.sequence = estimate.sequence
    message.state = int(estimate.state)
    message.weights = estimate.weights
    message.confidence = estimate.confidence
    q = message.head_orientation
    q.x, q.y, q.z, q.w = estimate.head_orientation.tolist()
    message.age = age_s
