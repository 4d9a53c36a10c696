"""One take on one subject: face motion to a recording of IMU signals, as fast as the machine can."""

from __future__ import annotations

import numpy as np

from face_model.layout import SensorLayout
from imu_sim.chips.magnetometer import MagneticScene
from imu_sim.chips.parts import SensorPart, load_part
from imu_sim.hub.timing import HubTiming, as_received
from imu_sim.imu_stream import ImuStream
from imu_sim.kinematics import KNOT_RATE_HZ, Trajectory
from imu_sim.motion import FaceMotion
from imu_sim.mounted_boards import MountedBoards, boards_on
from imu_sim.recording import Recording
from imu_sim.subject import Subject


def simulate(
    motion: FaceMotion,
    subject: Subject,
    layout: SensorLayout,
    part: SensorPart | None = None,
    rate_hz: float = 100.0,
    seed: int = 0,
    *,
    timing: HubTiming | None = None,
    boards: MountedBoards | None = None,
    scene: MagneticScene | None = None,
) -> Recording:
    """Simulated recording of a motion, from its first to its last sample.

    Args:
        motion: what the face and the head do.
        subject: whose face, and how the boards were glued.
        layout: which sensors sit where.
        part: what the units are; a QMI8658 by default.
        rate_hz: samples per second of the hub's clock.
        seed: of the sensors' errors and the hub's timing.
        timing: errors of the hub's timing; none by default.
        boards: what `boards_on(subject, layout)` gave, where many takes share one subject.
        scene: magnetic field around the subject, for fusion with magnetometers; None: fusion without.

    Returns:
        A recording whose weights are those the skin followed: the motion's, low-passed by 12 ms.
    """
    boards = boards_on(subject, layout) if boards is None else boards
    timing = timing or HubTiming()
    # Knots on the hub's clock too: both rates keep a simple ratio.
    trajectory = Trajectory(motion, knot_rate_hz=KNOT_RATE_HZ * timing.clock_rate)
    stream = ImuStream(trajectory, boards, part or load_part(), rate_hz * timing.clock_rate, seed, scene=scene)
    count = int(motion.duration_s * stream.rate_hz + 1e-6) + 1
    frames, arrived = as_received(stream.next(count), timing, stream.rate_hz, np.random.default_rng([seed, 0x7131]))
    times = stream.times(0, count)
    return Recording(
        person=motion.person,
        take=f"{motion.name}@{subject.name}",
        rate_hz=float(rate_hz),
        sensor_names=layout.names,
        orientation=frames.orientation.astype(np.float32),
        angular_velocity=frames.angular_velocity.astype(np.float32),
        specific_force=frames.specific_force.astype(np.float32),
        valid=np.repeat(arrived[:, None], len(layout.sensors), axis=1),
        weights=trajectory.weights(times).astype(np.float32),
        head_orientation=trajectory.head(times).orientation.astype(np.float32),
    )
