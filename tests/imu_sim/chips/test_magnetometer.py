from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import rotation
from imu_sim.chips.magnetometer import Dipole, EarthField, MagneticScene, MagnetometerBank, random_scene
from imu_sim.chips.parts import MagnetometerPart, load_magnetometer

IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


def still_head(samples: int, sensors: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.broadcast_to(IDENTITY, (samples, sensors, 4)),
        np.broadcast_to(IDENTITY, (samples, 4)),
        np.zeros((samples, sensors, 3)),
        np.arange(samples) / 100.0,
    )


@given(st.floats(25e-6, 65e-6), st.floats(-1.5, 1.5), st.floats(-3.1, 3.1))
def test_an_undisturbed_magnetometer_points_north(strength_t: float, inclination_rad: float, heading: float) -> None:
    scene = MagneticScene(EarthField(strength_t, inclination_rad))
    turn = rotation.from_vector(np.array([0.0, 0.0, heading]))
    read = scene.field(turn[None, None], turn[None], np.zeros((1, 1, 3)), np.zeros(1))[0, 0]
    assert np.linalg.norm(read) == pytest.approx(strength_t)
    # North is the y axis of the earth frame; seen by a sensor that turned left by `heading`, it lies to its right.
    assert np.arctan2(-read[0], read[1]) == pytest.approx(-heading, abs=1e-6) or abs(inclination_rad) > 1.49
    assert np.arcsin(np.clip(-read[2] / strength_t, -1.0, 1.0)) == pytest.approx(inclination_rad, abs=1e-6)


@given(st.tuples(*[st.floats(-1.0, 1.0)] * 3), st.floats(0.05, 2.0))
def test_dipole_field_on_axis_and_beside_it(moment: tuple[float, float, float], distance: float) -> None:
    size = float(np.linalg.norm(moment))
    if size < 1e-3:
        return
    axis = np.array(moment) / size
    beside = np.cross(axis, [1.0, 0.0, 0.0] if abs(axis[0]) < 0.9 else [0.0, 1.0, 0.0])
    beside /= np.linalg.norm(beside)
    points = distance * np.stack([axis, beside])[None]
    found = Dipole(moment, (0.0, 0.0, 0.0)).field(points, np.zeros(1))[0]
    np.testing.assert_allclose(found[0], 2e-7 * np.array(moment) / distance**3, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found[1], -1e-7 * np.array(moment) / distance**3, rtol=1e-9, atol=1e-15)


def test_passing_dipole_comes_and_goes_slowly() -> None:
    passing = Dipole((0.0, 0.0, 10.0), (1.0, 0.0, 0.0), (0.0, 0.5, 0.0), time_s=30.0)
    orientation, head, position, _ = still_head(6001)
    times = np.arange(6001) / 100.0
    read = MagneticScene(dipoles=(passing,)).field(orientation, head, position, times)[:, 0]
    off = np.linalg.norm(read - EarthField().vector, axis=-1)
    assert np.argmax(off) == 3000
    assert off[3000] == pytest.approx(1e-7 * 10.0)
    assert off[[0, -1]].max() < 0.01 * off.max()
    assert np.abs(np.diff(off)).max() < 0.02 * off.max()


def test_what_the_head_wears_turns_with_it_and_what_the_room_holds_does_not() -> None:
    turn = rotation.from_vector(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.2]]))
    position = np.full((2, 1, 3), 0.05)
    worn = MagneticScene(EarthField(0.0), (Dipole((0.1, 0.0, 0.0), (0.1, 0.0, 0.0), on_head=True),))
    room = MagneticScene(EarthField(0.0), (Dipole((5.0, 0.0, 0.0), (1.0, 0.0, 0.0)),))
    first, second = worn.field(turn[:, None], turn, position, np.zeros(2))
    np.testing.assert_allclose(first, second, atol=1e-15)
    first, second = room.field(turn[:, None], turn, position, np.zeros(2))
    assert np.abs(first - second).max() > 0.3 * np.abs(first).max()


def test_readings_have_the_noise_counts_and_irons_of_the_part() -> None:
    part, sensors = load_magnetometer(), 300
    field = np.broadcast_to(EarthField().vector, (200, sensors, 3))
    read = MagnetometerBank(part, sensors, np.random.default_rng(1)).measure(field)
    np.testing.assert_allclose(read / part.resolution, np.rint(read / part.resolution), atol=1e-6)
    # 2 mG rms of field noise and a count of 0.27 mG.
    assert read.std(axis=0).mean() == pytest.approx(np.hypot(0.2e-6, part.resolution / np.sqrt(12.0)), rel=0.02)
    error = read.mean(axis=0) - EarthField().vector
    expected = np.hypot(part.hard_iron, part.soft_iron * EarthField().strength_t)
    assert error.std() == pytest.approx(expected, rel=0.1)


def test_range_ends_and_perfect_magnetometers() -> None:
    field = np.array([[[1.0, -1.0, 3e-5]]])
    read = MagnetometerBank(MagnetometerPart("perfect", 8e-4), 1, np.random.default_rng(2)).measure(field)
    np.testing.assert_allclose(read, [[[8e-4, -8e-4, 3e-5]]])


def test_any_split_gives_the_same_readings() -> None:
    field = np.random.default_rng(3).normal(0.0, 5e-5, (100, 4, 3))
    whole = MagnetometerBank(load_magnetometer(), 4, np.random.default_rng(4)).measure(field)
    source = MagnetometerBank(load_magnetometer(), 4, np.random.default_rng(4))
    joined = np.concatenate([source.measure(part) for part in (field[:1], field[1:1], field[1:60], field[60:])])
    np.testing.assert_array_equal(joined, whole)


def test_random_scenes_disturb_a_face_by_microteslas() -> None:
    rng = np.random.default_rng(5)
    position = np.tile([[[0.08, 0.03, -0.04]]], (600, 1, 1))
    off = []
    for _ in range(60):
        scene = random_scene(60.0, rng)
        orientation, head, _, times = still_head(600)
        undisturbed = replace(scene, dipoles=())
        arguments = (orientation, head, position, times * 10.0)
        off.append(np.linalg.norm(scene.field(*arguments) - undisturbed.field(*arguments), axis=-1).max())
    assert 0.5e-6 < float(np.median(off)) < 20e-6
    assert max(off) > 5e-6
