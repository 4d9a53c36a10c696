"""One take on one wearer: face motion to a recording of IMU signals, as fast as the machine can."""

from __future__ import annotations

import numpy as np

from face_model.layout import SensorLayout
from face_model.recording import Recording
from imu_sim.boards import LinearBoards, boards_on
from imu_sim.kinematics import Trajectory
from imu_sim.motion import FaceMotion
from imu_sim.parts import SensorPart, load_part
from imu_sim.stream import ImuStream
from imu_sim.wearer import Wearer


def simulate(
    motion: FaceMotion,
    wearer: Wearer,
    layout: SensorLayout,
    part: SensorPart | None = None,
    rate_hz: float = 100.0,
    seed: int = 0,
    *,
    boards: LinearBoards | None = None,
) -> Recording:
    """Simulated recording of a motion, from its first to its last sample.

    Args:
        motion: what the face and the head do.
        wearer: whose face, and how the boards were glued.
        layout: which sensors sit where.
        part: what the units are; a QMI8658 by default.
        rate_hz: samples per second.
        seed: of the sensors' errors.
        boards: what `boards_on(wearer, layout)` gave, where many takes share one wearer.

    Returns:
        A recording whose weights are those the skin followed: the motion's, low-passed by 12 ms.
    """
    boards = boards_on(wearer, layout) if boards is None else boards
    trajectory = Trajectory(motion)
    stream = ImuStream(trajectory, boards, part or load_part(), rate_hz, seed)
    count = int(motion.duration_s * rate_hz + 1e-6) + 1
    frames = stream.next(count)
    times = stream.times(0, count)
    return Recording(
        person=motion.person,
        take=f"{motion.name}@{wearer.name}",
        rate_hz=float(rate_hz),
        sensor_names=layout.names,
        orientation=frames.orientation.astype(np.float32),
        angular_velocity=frames.angular_velocity.astype(np.float32),
        specific_force=frames.specific_force.astype(np.float32),
        valid=np.ones((count, len(layout.sensors)), dtype=np.bool_),
        weights=trajectory.weights(times).astype(np.float32),
        head_orientation=trajectory.head(times).orientation.astype(np.float32),
    )
