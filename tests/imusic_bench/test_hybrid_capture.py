"""The measurement of the fusion on a made-up face: every phase is there, and the camera does what it is said to do."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit
from imusic_bench import hybrid_capture
from imusic_bench.hybrid_capture import BACK, COVERED, DARK, FROZEN, GONE, GOOD, MOUTH, NO_SENSORS, Take

SHORT = ((GOOD, 14.0), (COVERED, 2.0), (MOUTH, 4.0), (BACK, 2.0), (DARK, 3.0), (FROZEN, 3.0), (GONE, 3.0), (BACK, 2.0))
SHORT = (*SHORT, (NO_SENSORS, 3.0))


@pytest.fixture
def take() -> Take:
    time_s = np.arange(4000)[:, None] / 100.0
    number = np.arange(arkit.COUNT)
    truth = 0.3 + 0.25 * np.sin(2.0 * np.pi * (0.3 + 0.013 * number) * time_s + number)
    weights = 0.8 * truth + 0.02 * np.sin(3.0 * time_s + number)
    return Take("made up", 100.0, truth, weights, np.full(truth.shape, 0.75))


def test_every_phase_is_measured_and_the_face_is_about_as_good_as_the_better_source(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hybrid_capture, "SCHEDULE", SHORT)
    played = hybrid_capture.play(take, "phone", 0)
    assert np.isfinite(played.fused).all()
    rows = hybrid_capture.phase_rows("phone", [played])
    assert {row.phase for row in rows} == {phase for phase, _ in SHORT}
    assert {row.region for row in rows if row.phase == MOUTH} == {"all", "eyes", "mouth", "brows"}
    for row in rows:
        if row.region == "all":
            assert row.of_better < 1.5, row
    good = next(row for row in rows if row.phase == GOOD)
    assert good.of_better < 1.0


def test_a_frozen_camera_repeats_and_a_gone_one_is_silent(take: Take) -> None:
    def phase_at(time_s: float) -> tuple[str, float]:
        return (FROZEN, time_s - 5.0) if 5.0 <= time_s < 6.0 else (GONE, 0.0) if time_s >= 6.0 else (GOOD, time_s)

    pictures = [p for _, p in hybrid_capture.CoveredCamera(hybrid_capture.PHONE, 1).pictures(take, phase_at)]
    assert pictures[-1].time_s < 6.0
    frozen = np.array([p.weights for p in pictures if p.time_s >= 5.0])
    assert len(frozen) > 50
    assert (frozen == frozen[0]).all()
