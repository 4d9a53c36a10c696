"""ROS messages from frames and layouts. The only module besides `node` that knows message types; it needs no rclpy."""

from __future__ import annotations

import math
import zlib
from array import array
from typing import Any

from geometry_msgs.msg import Point, Pose, Quaternion
from imusic.msg import ImuFrame, SensorLayout, SensorMount
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from face_model import layout as face_layout
from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import STATUS_ORIENTATION_VALID, STATUS_VALID
from imu_driver.capture import CapturedFrame
from imu_driver.protocol import Hello


def fill_frame(message: Any, frame: CapturedFrame, layout_id: int) -> None:
    """Fill an ImuFrame but for its header; `array.array` fields are taken as they are, no element is checked."""
    samples = frame.samples
    message.layout_id = layout_id
    message.sequence = frame.sequence
    message.hub_time_us = frame.hub_time_us
    message.status = array("B", samples.status.tobytes())
    message.orientation = array("f", samples.orientation.tobytes())
    message.angular_velocity = array("f", samples.angular_velocity.tobytes())
    message.specific_force = array("f", samples.specific_force.tobytes())


def imu_message(frame: CapturedFrame, index: int, stamp: Any, name: str) -> Any:
    """One sensor as REP-145 asks, or None where its data cannot be used.

    Covariances of what is measured are 0: unknown. `orientation_covariance[0]` is -1 where there is no orientation.
    """
    samples = frame.samples
    status = int(samples.status[index])
    if not status & STATUS_VALID:
        return None
    message = Imu(header=Header(stamp=stamp, frame_id=name))
    if status & STATUS_ORIENTATION_VALID:
        q = message.orientation
        q.x, q.y, q.z, q.w = samples.orientation[index].tolist()
    else:
        message.orientation_covariance[0] = -1.0
    rate, force = message.angular_velocity, message.linear_acceleration
    rate.x, rate.y, rate.z = samples.angular_velocity[index].tolist()
    force.x, force.y, force.z = samples.specific_force[index].tolist()
    return message


def empty_frame() -> Any:
    """A message to be filled again and again."""
    return ImuFrame()


def layout_id(layout: face_layout.SensorLayout, hello: Hello) -> int:
    """The same number for the same layout on the same hub, in every run, so that recordings agree with themselves."""
    return zlib.crc32(repr((layout, hello.hub, hello.firmware, hello.fields, hello.sensors)).encode())


def layout_message(layout: face_layout.SensorLayout, hello: Hello, rate_hz: float, header: Any) -> Any:
    """What `imu/layout` says of this hub."""
    on_hub = {sensor.id: sensor for sensor in hello.sensors}
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
            mount.gyro_range = math.radians(unit.gyro_range_dps)
            mount.accel_range = GRAVITY_M_S2 * unit.accel_range_g
        mounts.append(mount)
    return SensorLayout(
        header=header,
        layout_id=layout_id(layout, hello),
        name=layout.name,
        hub=f"{hello.hub} {hello.firmware}",
        rate=float(rate_hz),
        sensors=mounts,
    )


def _pose(skull: face_layout.SkullPose) -> Any:
    px, py, pz = skull.position_m
    x, y, z, w = skull.orientation
    return Pose(position=Point(x=px, y=py, z=pz), orientation=Quaternion(x=x, y=y, z=z, w=w))
