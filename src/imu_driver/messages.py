"""ROS messages from samples and layouts. The only module besides `node` that knows message types; it needs no rclpy."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion
from imusic.msg import ImuFrame, SensorLayout, SensorMount, SensorStates
from numpy.typing import NDArray
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from face_model import layout as face_layout
from face_model.imu_sample import STATUS_ORIENTATION_VALID, STATUS_VALID, ImuSample
from imu_driver.hub import HubIdentity
from imu_driver.part_noise import HEADING_VARIANCE, PartNoise

_MOST_US = 2**64 - 1


def fill_frame(message: Any, sample: ImuSample) -> None:
    """Fill an ImuFrame but for its header; `array.array` fields are taken as they are, no element is checked."""
    message.layout_id = sample.layout_id
    message.sequence = sample.sequence
    message.hub_time_us = min(round(1e6 * sample.hub_time_s), _MOST_US)
    message.status = array("B", sample.status.tobytes())
    message.orientation = array("f", sample.orientation.tobytes())
    message.angular_velocity = array("f", sample.angular_velocity.tobytes())
    message.specific_force = array("f", sample.specific_force.tobytes())


def imu_message(sample: ImuSample, index: int, stamp: Any, frame_id: str, noise: PartNoise | None = None) -> Any:
    """One sensor as REP-145 asks, or None where its data cannot be used.

    Covariances are those of the part's datasheet, 0 (unknown) for a part that has none here: white noise of rate and
    force; of roll and pitch what the accelerometer's offset tilts gravity by, and of the heading that nothing is known
    of it. `orientation_covariance[0]` is -1 where there is no orientation.
    """
    status = int(sample.status[index])
    if not status & STATUS_VALID:
        return None
    message = Imu(header=Header(stamp=stamp, frame_id=frame_id))
    if status & STATUS_ORIENTATION_VALID:
        q = message.orientation
        q.x, q.y, q.z, q.w = sample.orientation[index].tolist()
        if noise is not None:
            _diagonal(message.orientation_covariance, noise.inclination, noise.inclination, HEADING_VARIANCE)
    else:
        message.orientation_covariance[0] = -1.0
    rate, force = message.angular_velocity, message.linear_acceleration
    rate.x, rate.y, rate.z = sample.angular_velocity[index].tolist()
    force.x, force.y, force.z = sample.specific_force[index].tolist()
    if noise is not None:
        _diagonal(message.angular_velocity_covariance, noise.rate, noise.rate, noise.rate)
        _diagonal(message.linear_acceleration_covariance, noise.force, noise.force, noise.force)
    return message


def _diagonal(covariance: Any, x: float, y: float, z: float) -> None:
    covariance[0], covariance[4], covariance[8] = x, y, z


def empty_frame() -> Any:
    """A message to be filled again and again."""
    return ImuFrame()


def states_message(header: Any, sample: ImuSample, lately: NDArray[np.uint8]) -> Any:
    """What `imu/states` says with this sample; `lately` is that of `sensor_states.StatesWatch`."""
    message = SensorStates(header=header, layout_id=sample.layout_id)
    message.status = array("B", sample.status.tobytes())
    message.lately = array("B", lately.tobytes())
    return message


def layout_message(layout: face_layout.SensorLayout, identity: HubIdentity, layout_id: int, header: Any) -> Any:
    """What `imu/layout` says of this hub."""
    on_hub = {sensor.id: sensor for sensor in identity.sensors}
    mounts = []
    for sensor in layout.sensors:
        unit = on_hub.get(sensor.id)
        mount = SensorMount(id=sensor.id, name=sensor.name, muscle=sensor.muscle, side=sensor.side)
        mount.reference = sensor.reference
        if sensor.place is not None:
            mount.place = list(sensor.place)
        if sensor.skull is not None:
            mount.skull_pose = _pose(sensor.skull)
        if unit is not None:
            mount.part = unit.part
            mount.present = unit.present
            mount.gyro_range = unit.gyro_range_rad_s
            mount.accel_range = unit.accel_range_m_s2
        mounts.append(mount)
    return SensorLayout(
        header=header,
        layout_id=layout_id,
        name=layout.name,
        hub=f"{identity.name} {identity.firmware}",
        rate=float(identity.rate_hz),
        sensors=mounts,
    )


def _pose(skull: face_layout.SkullPose) -> Any:
    px, py, pz = skull.position_m
    x, y, z, w = skull.orientation
    return Pose(position=Point(x=px, y=py, z=pz), orientation=Quaternion(x=x, y=y, z=z, w=w))
