"""ROS messages from frames and layouts. The only module besides `node` that knows message types; it needs no rclpy."""

from __future__ import annotations

import math
import zlib
from array import array
from functools import lru_cache
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion
from imusic.msg import ImuFrame, SensorLayout, SensorMount
from numpy.typing import NDArray
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from face_model import arkit
from face_model import layout as face_layout
from face_model.frames import GRAVITY_M_S2
from face_model.head import build_head
from face_model.skin import skin_patches
from imu_driver.capture import CapturedFrame
from imu_driver.protocol import Hello
from imu_driver.samples import STATUS_ORIENTATION_VALID, STATUS_VALID


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
    positions, orientations = nominal_poses(layout)
    mounts = []
    for i, sensor in enumerate(layout.sensors):
        unit = on_hub.get(sensor.id)
        mount = SensorMount(id=sensor.id, name=sensor.name, muscle=sensor.muscle, side=sensor.side)
        mount.reference = sensor.reference
        mount.pose = _pose(positions[i], orientations[i])
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


@lru_cache(maxsize=4)
def nominal_poses(layout: face_layout.SensorLayout) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Positions (S, 3) in m and quaternions (S, 4), sensor to `face_head`, on the package's own relaxed face.

    Raises:
        FaceModelError: a place of the layout without skin.
    """
    positions, orientations = skin_patches(build_head(), layout).board_poses(np.zeros((1, arkit.COUNT)))
    return positions[0], orientations[0]


def _pose(position: NDArray[np.floating], orientation: NDArray[np.floating]) -> Any:
    px, py, pz = map(float, position)
    x, y, z, w = map(float, orientation)
    return Pose(position=Point(x=px, y=py, z=pz), orientation=Quaternion(x=x, y=y, z=z, w=w))
