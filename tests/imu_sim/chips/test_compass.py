from __future__ import annotations

import numpy as np

from face_model import rotation
from imu_sim.chips.compass import Compass
from imu_sim.chips.magnetometer import EarthField, MagneticScene, MagnetometerBank, random_scene
from imu_sim.chips.parts import MagnetometerPart, load_part
from imu_sim.imu_stream import ImuStream
from imu_sim.kinematics import Trajectory
from imu_sim.motion import still
from imu_sim.mounted_boards import MountedBoards
from imu_sim.splines import Sampling


def perfect_compass(boards: MountedBoards, scene: MagneticScene, first: int = 0) -> Compass:
    bank = MagnetometerBank(MagnetometerPart("perfect", 1.0), boards.sensors, np.random.default_rng(1))
    return Compass(Trajectory(still(4.0)), boards, Sampling(0.0, 200.0), scene, bank, first)


def test_units_on_a_still_head_feel_the_earth_field_in_their_own_axes(boards: MountedBoards) -> None:
    read = perfect_compass(boards, MagneticScene()).next(20)
    assert read.shape == (20, boards.sensors, 3)
    np.testing.assert_allclose(np.linalg.norm(read, axis=-1), EarthField().strength_t, rtol=1e-9)
    np.testing.assert_allclose(read, np.broadcast_to(read[:1], read.shape), atol=1e-15)
    assert np.ptp(read[0], axis=0).min() > 1e-6  # units lie differently on the face


def test_any_split_gives_the_same_readings(boards: MountedBoards) -> None:
    scene = random_scene(4.0, np.random.default_rng(2))
    whole = perfect_compass(boards, scene, -1).next(300)
    source = perfect_compass(boards, scene, -1)
    joined = np.concatenate([source.next(count) for count in (1, 7, 0, 92, 200)])
    np.testing.assert_allclose(joined, whole, atol=1e-16)


def test_rest_before_the_stream_is_its_first_pose(boards: MountedBoards) -> None:
    compass = perfect_compass(boards, MagneticScene())
    np.testing.assert_allclose(compass.at_rest(3)[-1], compass.next(1)[0], atol=1e-15)


def test_stream_with_magnetometers_knows_where_north_is(boards: MountedBoards) -> None:
    """Heading of every unit, from the first sample on; without magnetometers it begins anywhere."""
    stream = ImuStream(Trajectory(still(30.0)), boards, load_part(), 100.0, 3, scene=MagneticScene())
    frames = stream.next(2000)
    exact = MagnetometerBank(MagnetometerPart("perfect", 1.0), boards.sensors, np.random.default_rng(4))
    compass = Compass(Trajectory(still(30.0)), boards, Sampling(0.0, 100.0), MagneticScene(), exact)
    found = rotation.rotate(frames.orientation[1500], compass.next(1)[0])
    bearing = np.rad2deg(np.arctan2(found[:, 0], found[:, 1]))
    assert np.sqrt(np.mean(bearing**2)) < 6.0


def test_blocks_of_any_size_equal_one_batch_with_magnetometers(boards: MountedBoards) -> None:
    scene = random_scene(4.0, np.random.default_rng(5))
    trajectory = Trajectory(still(4.0))
    whole = ImuStream(trajectory, boards, load_part(), 100.0, 6, scene=scene).next(150)
    stream = ImuStream(trajectory, boards, load_part(), 100.0, 6, scene=scene)
    parts = [stream.next(count) for count in (1, 9, 100, 40)]
    joined = np.concatenate([part.orientation for part in parts])
    np.testing.assert_allclose(joined, whole.orientation, atol=1e-9)
