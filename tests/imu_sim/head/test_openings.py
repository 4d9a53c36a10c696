"""The form of eyes and lips may change; the skin that boards sit on may not: the shipped model was trained with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_model import arkit
from face_model.faces import load_rig
from face_model.layout import load_layout
from face_model.skin import skin_patches
from imu_sim.head import eyes, mouth
from imu_sim.head import proportions as prop
from imu_sim.head.form import mean_mesh
from imu_sim.head.half import Region


def test_rings_beyond_the_lids_do_not_know_the_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = [s for s in eyes.LID_RINGS if s >= eyes.OWN_FORM_ENDS]
    before = [eyes.lid_ring(s) for s in (0.0, *outside)]
    monkeypatch.setattr(prop, "LID_OPENING", prop.LID_FRAME)
    after = [eyes.lid_ring(s) for s in (0.0, *outside)]
    assert np.abs(after[0] - before[0]).max() > 1.0
    np.testing.assert_array_equal(after[1:], before[1:])


def test_rings_beyond_the_red_do_not_know_how_full_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = [s for s in mouth.SKIN_RINGS if s >= mouth.OWN_FORM_ENDS]
    before = [mouth.lip_ring(s) for s in (0.0, 1.0, *outside)]
    monkeypatch.setattr(prop, "UPPER_LIP_HEIGHT", prop.LIP_FRAME[0])
    monkeypatch.setattr(prop, "LOWER_LIP_HEIGHT", prop.LIP_FRAME[1])
    after = [mouth.lip_ring(s) for s in (0.0, 1.0, *outside)]
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[1] - before[1]).max() > 0.5
    np.testing.assert_array_equal(after[2:], before[2:])


def test_no_board_of_the_typical_face_sits_on_what_may_change() -> None:
    """Boards of the shipped layout move alike whatever the vertices of lids and lips do."""
    rig, layout, mesh = load_rig(), load_layout(), mean_mesh()
    free = (mesh.region == Region.LID) & (mesh.s < eyes.OWN_FORM_ENDS)
    free |= (mesh.region == Region.LIP) & (mesh.s < mouth.OWN_FORM_ENDS)
    deltas = rig.deltas.copy()
    deltas[:, free] += 0.01
    weights = np.eye(arkit.COUNT)
    kept, changed = (skin_patches(r, layout).board_poses(weights) for r in (rig, replace(rig, deltas=deltas)))
    for one, other in zip(kept, changed, strict=True):
        np.testing.assert_array_equal(other, one)
