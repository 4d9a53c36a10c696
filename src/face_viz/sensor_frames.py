"""The sensors' frames on `/tf_static`, where they sit on the neutral face.

The viewer publishes them because it knows both the layout and the face that the layout is worn on.
"""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import TransformStamped
from std_msgs.msg import Header

from face_model import arkit
from face_model.frames import sensor_frame
from face_viz.shown_sensors import ShownSensors
from imusic_ros.transforms import transform


def sensor_transforms(header: Header, namespace: str, sensors: ShownSensors) -> list[TransformStamped]:
    """One for each sensor that is drawn.

    Args:
        header: of the layout; its frame is the wearer's head.
        namespace: of the wearer.
        sensors: on the face.
    """
    poses = sensors.poses(np.zeros(arkit.COUNT, np.float32)).astype(np.float64)
    turns = poses[:, 3:] / np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
    return [
        transform(header, sensor_frame(namespace, sensor.name), pose, turn)
        for sensor, pose, turn in zip(sensors.layout.sensors, poses[:, :3].tolist(), turns.tolist(), strict=True)
    ]
