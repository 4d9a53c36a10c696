"""What the simulated hub plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_model import arkit
from imu_sim.errors import ImuSimError, LiveLinkError
from imu_sim.hub.server import STARTING_S, played_motion


def test_said_text_is_played_after_a_rest() -> None:
    motion, repaired = played_motion("say:Hello there, robot.", seed=3)
    assert repaired == ""
    assert motion.loops
    at = np.arange(motion.samples) / motion.rate_hz
    assert not motion.weights[at < STARTING_S].any()
    assert motion.weights[:, arkit.INDEX["jawOpen"]].max() > 0.1


@pytest.mark.parametrize("text", ["say:", "say:   ", "say:...?!"])
def test_a_text_with_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(ImuSimError, match=r"expected"):
        played_motion(text, seed=0)


def test_an_absent_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LiveLinkError, match=r"none\.csv"):
        played_motion(str(tmp_path / "none.csv"), seed=0)
