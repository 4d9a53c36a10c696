"""What the simulated hub plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_model import arkit
from face_model.errors import LiveLinkError
from face_model.routine import DURATION_S
from imu_sim.errors import ImuSimError, MotionError
from imu_sim.hub.server import STARTING_S, played_motion


def test_said_text_is_played_after_a_rest() -> None:
    motion, repaired = played_motion("say:Hello there, robot.", seed=3)
    assert repaired == ""
    assert motion.loops
    at = np.arange(motion.samples) / motion.rate_hz
    assert not motion.weights[at < STARTING_S].any()
    assert motion.weights[:, arkit.INDEX["jawOpen"]].max() > 0.1


def test_the_routine_is_done_by_the_person_that_is_asked_for() -> None:
    motion, repaired = played_motion("routine:7", seed=3)
    assert repaired == ""
    assert motion.loops
    assert motion.duration_s == pytest.approx(DURATION_S + 2.0 * STARTING_S, abs=0.05)
    np.testing.assert_array_equal(motion.weights, played_motion("routine", seed=7)[0].weights)
    with pytest.raises(MotionError, match=r"routine:SEED .*found 'routine:me'"):
        played_motion("routine:me", seed=3)


@pytest.mark.parametrize("text", ["say:", "say:   ", "say:...?!"])
def test_a_text_with_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(ImuSimError, match=r"expected"):
        played_motion(text, seed=0)


def test_an_absent_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LiveLinkError, match=r"none\.csv"):
        played_motion(str(tmp_path / "none.csv"), seed=0)
