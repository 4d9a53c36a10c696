"""What units feel of blendshapes, measured on simulated people."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit, rotation
from face_model.layout import load_layout
from face_model.observability import TABLE, Visibility
from imu_sim.families import load_family
from imu_sim.realism.observability_study import RATE_HZ, SLOT_S, observability, resting, tour
from imu_sim.realism.signals import signals_of
from imu_sim.recording import Recording

PEOPLE = 2


@pytest.fixture(scope="module")
def measured() -> list[Visibility]:
    return observability(load_family(), load_layout(), people=PEOPLE, seed=300)


def test_tour_shows_every_shape_alone_and_mouth_close_on_an_open_jaw() -> None:
    weights = tour().weights
    assert weights.max(axis=0) == pytest.approx(np.ones(arkit.COUNT))
    busy = (weights > 0.01).sum(axis=1)
    assert busy.max() == 2
    close, jaw = arkit.INDEX["mouthClose"], arkit.INDEX["jawOpen"]
    assert (weights[weights[:, close] > 0.0][:, jaw] > 0.99).all()
    assert len(weights) / 60.0 == pytest.approx(2.0 + arkit.COUNT * SLOT_S, abs=0.1)


def test_resting_face_rests_while_the_head_moves() -> None:
    motion = resting(3, 10.0)
    assert not motion.weights.any()
    assert np.ptp(rotation.to_vector(motion.head_orientation), axis=0).max() > np.deg2rad(1.0)
    assert (motion.head_orientation[:60] == motion.head_orientation[0]).all()


def test_shapes_under_a_unit_are_seen_and_gaze_is_not(measured: list[Visibility]) -> None:
    seen = {v.shape: v for v in measured}
    assert seen["jawOpen"].ratio > 30.0
    assert seen["jawOpen"].tilt_deg > 5.0
    assert seen["mouthSmileLeft"].sensor.endswith("_left")
    assert seen["browInnerUp"].sensor.startswith("frontalis")
    assert max(v.ratio for v in measured if v.shape.startswith("eyeLook")) < 3.0


def test_table_in_the_package_is_what_is_measured(measured: list[Visibility]) -> None:
    # Two people against the table's sixteen: the order must agree, single figures differ by a factor of three.
    table, found = (np.log(np.maximum([v.ratio for v in rows], 1.0)) for rows in (TABLE, measured))
    assert np.corrcoef(table, found)[0, 1] > 0.9
    assert np.abs(table - found).max() < np.log(4.0)


def _recording(orientation: np.ndarray, rate: np.ndarray) -> Recording:
    count = len(orientation)
    gravity = rotation.rotate(rotation.conjugate(orientation), np.array([0.0, 0.0, 9.80665]))
    return Recording(
        "one", "take", RATE_HZ, ("skull", "skin"), orientation.astype(np.float32), rate.astype(np.float32),
        gravity.astype(np.float32), np.ones((count, 2), np.bool_), np.zeros((count, arkit.COUNT), np.float32),
        np.zeros((count, 4), np.float32),
    )  # fmt: skip


def test_signals_are_the_turn_of_the_unit_whatever_the_heading_of_its_filter() -> None:
    count, turn = 100, np.deg2rad(7.0)
    rng = np.random.default_rng(0)
    mount = rotation.from_vector(rng.normal(0.0, 1.0, 3))
    heading = rotation.from_vector(np.array([0.0, 0.0, 1.2]))
    about_y = rotation.from_vector(np.array([0.0, turn, 0.0]))
    skin = np.tile(rotation.multiply(heading, mount), (count, 1))
    skin[50:] = rotation.multiply(rotation.multiply(heading, about_y), mount)
    skull = np.tile([0.0, 0.0, 0.0, 1.0], (count, 1))
    rate = np.zeros((count, 2, 3))
    rate[60, 1] = [0.0, 0.1, 0.0]
    signals = signals_of(_recording(np.stack([skull, skin], axis=1), rate), 0, slice(0, count), slice(0, 40))
    assert signals.tilt_deg[:50] == pytest.approx(0.0, abs=1e-3)
    assert signals.tilt_deg[50:, 1] == pytest.approx(7.0, abs=1e-3)
    assert signals.rotation_deg[50:, 1] == pytest.approx(7.0, abs=1e-3)
    assert signals.rate_deg_s[60, 1] == pytest.approx(np.rad2deg(0.1), rel=1e-4)
    assert signals.force_m_s2[70, 1] == pytest.approx(2.0 * 9.80665 * np.sin(turn / 2.0), rel=1e-3)


def test_a_turning_head_is_taken_out_where_the_mounting_is_known() -> None:
    count = 200
    rng = np.random.default_rng(1)
    mount = rotation.from_vector(rng.normal(0.0, 1.0, 3))
    angle = np.linspace(0.0, 1.0, count)
    skull = rotation.from_vector(np.outer(angle, [0.2, 0.9, 0.3]))
    skin = rotation.multiply(skull, np.broadcast_to(mount, skull.shape))
    of_skull = np.tile(np.array([0.2, 0.9, 0.3]) * RATE_HZ / count, (count, 1))
    of_skin = rotation.rotate(rotation.conjugate(np.broadcast_to(mount, skull.shape)), of_skull)
    recording = _recording(np.stack([skull, skin], axis=1), np.stack([of_skull, of_skin], axis=1))
    on_skull = np.stack([[0.0, 0.0, 0.0, 1.0], mount])
    signals = signals_of(recording, 0, slice(0, count), slice(0, 10), on_skull)
    assert signals.tilt_deg.max() < 1e-3
    assert signals.rotation_deg.max() < 1e-3
    assert signals.rate_deg_s.max() < 1e-3
    assert signals.force_m_s2.max() < 1e-3
