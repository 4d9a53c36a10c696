"""The script of action units: what is shown when, and that it is what leads in the truth."""

from __future__ import annotations

import numpy as np

from face_affect.action_units import action_units, leading
from imusic_bench.unit_script import AMOUNT, MOTION_RATE_HZ, RATE_HZ, SCRIPT, held, script_motion


def test_each_unit_is_shown_alone_and_leads_in_the_truth() -> None:
    motion = script_motion(3)
    for i, unit in enumerate(SCRIPT):
        rows = held(i)
        ratio = MOTION_RATE_HZ / RATE_HZ
        shown = motion.weights[round(rows.start * ratio) : round(rows.stop * ratio) - 1]
        assert len(shown) > 30
        assert np.ptp(shown, axis=0).max() < 1e-9, "held"
        found = action_units(shown[0]).intensity
        assert found[unit.code] > 0.5 * AMOUNT, unit.name
        assert leading(found) == unit.code, unit.name
    assert not motion.weights[-1].any()
