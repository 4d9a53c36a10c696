"""Heads that move over still faces, and what is measured of them."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from imusic_bench.head_apart import MOTION_RATE_HZ, MOTIONS, RATE_HZ, STILL_S, change, head_motion, measure_head_apart


@pytest.mark.parametrize("name", MOTIONS)
def test_the_face_is_still_and_the_head_moves_after_a_while(name: str) -> None:
    motion = head_motion(name, 7)
    assert not motion.weights.any()
    turned = np.linalg.norm(rotation.to_vector(motion.head_orientation), axis=1)
    still = round(STILL_S * MOTION_RATE_HZ)
    assert turned[:still].max() < 1e-9
    assert (turned[still:].max() > 0.01) == (name != "still")


def test_change_is_from_the_still_seconds() -> None:
    weights = np.full((round((STILL_S + 2.0) * RATE_HZ), 52), 0.3)
    weights[: round(2.0 * RATE_HZ)] = 0.9  # while the neutral is learned
    weights[round(STILL_S * RATE_HZ) :, 5] = 0.25
    found = change(weights)
    assert found.shape == (round(2.0 * RATE_HZ), 52)
    assert found[:, 5] == pytest.approx(0.05)
    assert np.delete(found, 5, axis=1) == pytest.approx(0.0)


def test_a_nod_changes_little_with_the_shipped_model() -> None:
    rows = list(measure_head_apart(1, faces=["head"], motions=["nod"]))
    assert [(row.motion, row.known, row.subjects) for row in rows] == [("nod", "neutral", 1), ("nod", "routine", 1)]
    assert all(0.0 < row.mean < 0.02 for row in rows)
    assert all(row.mean <= row.worst_shape <= row.most for row in rows)
