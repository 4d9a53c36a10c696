from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from face_model.layout import SensorLayout
from face_model.rig import FaceRig
from imu_sim.attachment import random_attachment, typical_attachment
from imu_sim.mounted_boards import boards_on
from imu_sim.subject import random_subject
from imu_sim.warped_family import WarpedFamily


def test_wearers_differ_and_repeat_by_seed(rig: FaceRig, layout: SensorLayout) -> None:
    family = WarpedFamily(rig)
    first, again, other = (random_subject(family, layout, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.rig.deltas, again.rig.deltas)
    np.testing.assert_array_equal(first.attachment.mount, again.attachment.mount)
    np.testing.assert_array_equal(first.attachment.tissue.frequency_hz, again.attachment.tissue.frequency_hz)
    assert not np.allclose(first.rig.deltas, other.rig.deltas)
    assert not np.allclose(first.attachment.mount, other.attachment.mount)


def test_gluing_does_not_depend_on_the_family(rig: FaceRig, layout: SensorLayout) -> None:
    one = random_subject(WarpedFamily(rig), layout, 3)
    other = random_subject(WarpedFamily(WarpedFamily(rig).subject(8)), layout, 3)
    np.testing.assert_array_equal(one.attachment.place_offset_m, other.attachment.place_offset_m)


@pytest.mark.parametrize("placement_m", [0.005, 0.010])
def test_boards_are_glued_within_reach_and_a_little_crooked(layout: SensorLayout, placement_m: float) -> None:
    glued = [random_attachment(layout, np.random.default_rng(s), placement_m=placement_m) for s in range(60)]
    distance = np.linalg.norm(np.stack([each.place_offset_m for each in glued]), axis=-1)
    assert distance.max() <= placement_m
    assert distance.mean() > 0.4 * placement_m
    angle = np.linalg.norm(rotation.to_vector(np.stack([each.mount for each in glued])), axis=-1)
    assert np.rad2deg(np.sqrt(np.mean(angle**2))) == pytest.approx(10.0, rel=0.1)


def test_foreheads_are_stiffer_than_cheeks_and_the_skull_is_stiffest(layout: SensorLayout) -> None:
    slide = dict(zip(layout.names, typical_attachment(layout).tissue.frequency_hz[:, 0], strict=True))
    assert slide["buccinator_left"] < slide["zygomaticus_left"] < slide["frontalis_left"] < slide["skull"]
    drawn = np.stack([random_attachment(layout, np.random.default_rng(s)).tissue.frequency_hz for s in range(40)])
    assert 25.0 < drawn.min() < drawn.max() < 800.0
    assert drawn[:, 0].min() > 100.0


@pytest.mark.parametrize("seed", range(12))
def test_sensors_can_be_glued_to_every_wearer(rig: FaceRig, layout: SensorLayout, seed: int) -> None:
    boards = boards_on(random_subject(WarpedFamily(rig), layout, seed), layout)
    normal = np.cross(*boards.table[0, 1:], axis=0)
    assert np.all(normal[0, list(layout.skin_indices)] > -0.2)  # facing out of the face, not into it
    depth = boards.table[0, 0, 0, list(layout.skin_indices)]
    assert depth.min() > 0.0
