from __future__ import annotations

import numpy as np
import pytest

from imusic_bench.nodding_stream import NoddingStream


def test_the_nodding_boards_agree_with_themselves() -> None:
    frames = NoddingStream(2, 100.0, 0.0).next(3000)
    w = frames.orientation[:, 0, 3]
    angle = 2.0 * np.arctan2(frames.orientation[:, 0, 1], w)
    rate = np.gradient(angle, 0.01)
    assert np.abs(rate - frames.angular_velocity[:, 0, 1])[1:-1].max() < 0.03
    assert np.linalg.norm(frames.specific_force[:, 0], axis=1) == pytest.approx(9.80665, abs=0.1)
    assert np.ptp(angle[:900]) < 1e-9
