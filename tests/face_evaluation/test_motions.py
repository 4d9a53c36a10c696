"""What is played."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from face_evaluation.motions import held_motion, long_motion, motions_of, shared_folder
from face_model import arkit
from imu_sim.hub.server import RECORDED_REST_S

SHARED = Path(os.environ.get("IMUSIC_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def test_without_files_generated_people_are_played_and_differ() -> None:
    motions = motions_of([], seconds=5.0, people=2)
    assert len({m.person for m in motions}) == 2
    assert not (motions[0].weights[:100] == motions[1].weights[:100]).all()


def test_a_held_pose_is_alone_and_held_while_the_head_moves() -> None:
    motion = held_motion("frown", 3, hold_s=20.0)
    frown = motion.weights[:, arkit.INDEX["mouthFrownLeft"]]
    assert (frown[:180] == 0.0).all()
    assert (np.abs(frown - 0.7) < 1e-9).sum() > 18 * 60
    assert motion.weights.sum() == pytest.approx(2.0 * frown.sum())
    assert np.abs(motion.head_orientation[300:1300, :3]).max() > 0.01
    assert held_motion("frown", 3, hold_s=20.0).head_position.tolist() == motion.head_position.tolist()


@pytest.mark.parametrize("recorded", [True, False])
def test_long_wear_begins_and_ends_with_the_same_minute(recorded: bool) -> None:
    takes = motions_of([], seconds=22.0, people=2) if recorded else []
    motion = long_motion(takes, 5, duration_s=240.0)
    rest, minute = round(60 * RECORDED_REST_S), 3600
    assert motion.samples == 240 * 60 + 2 * rest
    first, last = motion.weights[rest : rest + minute], motion.weights[-rest - minute : -rest]
    np.testing.assert_array_equal(first, last)
    assert first.max() > 0.2
    assert np.abs(np.diff(motion.weights, axis=0)).max() < 0.6  # no jump where parts meet
    assert np.abs(np.diff(motion.head_position, axis=0)).max() < 0.02


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no recorded motion at {SHARED}")
def test_the_shared_folder_is_found() -> None:
    shared = shared_folder()
    assert shared is not None
    assert (shared / "data" / "motion_arkit").is_dir()
