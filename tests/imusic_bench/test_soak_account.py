"""Losses that no figure explains, and levels that were OK while nothing was."""

from __future__ import annotations

import numpy as np

from imusic_bench.disturbances import DRIVER, HUB, INFERENCE, STOP, VIEWER, Disturbance
from imusic_bench.soak_account import (
    Faces,
    Happened,
    Said,
    ledger,
    old_but_tracking,
    share_not_ok,
    wrong_levels,
)

START_S = 1e9


def driver(at_s: float, level: int = 0, samples: int = 0, lost: int = 0, untimed: int = 0) -> Said:
    values = {"samples": str(samples), "lost": str(lost), "untimed": str(untimed)}
    return Said(DRIVER, START_S + at_s, level, "", values)


def inference(at_s: float, level: int = 0, samples: int = 0, lost: int = 0, refused: int = 0) -> Said:
    values = {"samples": str(samples), "lost": str(lost), "refused": str(refused)}
    return Said(INFERENCE, START_S + at_s, level, "", values)


def faces(at_s: np.ndarray, sequence: np.ndarray | None = None, age_s: float = 0.003, state: int = 1) -> Faces:
    count = len(at_s)
    numbers = np.arange(count) if sequence is None else sequence
    return Faces(numbers, START_S + at_s, np.full(count, age_s), np.full(count, state, np.uint8))


def before_and_after(driver_lost: int, inference_lost: int) -> int:
    before = {DRIVER: driver(0.0, samples=50, lost=2, untimed=1), INFERENCE: inference(0.0, samples=40, lost=9)}
    after = {
        DRIVER: driver(9.0, samples=1030, lost=2 + driver_lost, untimed=6),
        INFERENCE: inference(9.0, samples=1000, lost=9 + inference_lost, refused=3),
    }
    return ledger(1000, 300, before, after).in_doubt


def test_every_sample_is_explained_by_each_node() -> None:
    assert before_and_after(driver_lost=15, inference_lost=337) == 0


def test_one_sample_too_few_or_too_many_is_seen() -> None:
    assert before_and_after(driver_lost=14, inference_lost=337) == 1
    assert before_and_after(driver_lost=15, inference_lost=336) == 1
    assert before_and_after(driver_lost=16, inference_lost=338) == 2


def ticks(seconds: float = 10.0) -> np.ndarray:
    return np.arange(0.0, seconds, 0.01)


def reports(level: int = 0) -> list[Said]:
    said = [make(t, level) for t in np.arange(0.5, 10.0) for make in (driver, inference)]
    return said


def test_a_quiet_run_is_honest() -> None:
    assert wrong_levels(reports(), faces(ticks()), []) == []


def test_ok_in_a_silence_is_wrong() -> None:
    hub_halted = [Happened(Disturbance(STOP, HUB, 3.0, 2.0), START_S + 3.0, START_S + 5.0)]
    gone = ticks()[(ticks() < 3.0) | (ticks() > 5.0)]
    found = wrong_levels(reports(), faces(gone), hub_halted)
    assert any(line.startswith(DRIVER) and "no samples" in line for line in found)
    assert any(line.startswith(INFERENCE) and "no samples" in line for line in found)
    assert wrong_levels(reports(level=1), faces(gone), hub_halted) == []


def test_a_halted_viewer_is_no_silence() -> None:
    viewer_halted = [Happened(Disturbance(STOP, VIEWER, 3.0, 2.0), START_S + 3.0, START_S + 5.0)]
    assert wrong_levels(reports(), faces(ticks()), viewer_halted) == []


def test_ok_while_faces_are_old_or_missing_is_wrong() -> None:
    assert "ms old" in wrong_levels(reports(), faces(ticks(), age_s=0.2), [])[0]
    assert "missing" in wrong_levels(reports(), faces(ticks(), np.arange(1000) * 2), [])[0]
    assert "no faces" in wrong_levels(reports(), faces(ticks(3.0)), [])[0]


def test_ok_while_samples_are_lost_is_wrong() -> None:
    said = [driver(1.0, lost=4), driver(2.0, lost=5)]
    assert "1 samples lost" in wrong_levels(said, faces(ticks()), [])[0]
    assert wrong_levels([driver(1.0, lost=4), driver(2.0, level=1, lost=5)], faces(ticks()), []) == []


def test_old_faces_may_not_say_that_they_follow() -> None:
    assert old_but_tracking(faces(ticks(), age_s=0.2)) == 1000
    assert old_but_tracking(faces(ticks(), age_s=0.2, state=3)) == 0
    assert old_but_tracking(faces(ticks())) == 0


def test_the_share_of_reports_that_were_not_ok() -> None:
    said = [inference(1.0), inference(2.0, level=1), inference(3.0, level=2), inference(4.0), driver(5.0)]
    assert share_not_ok(said, INFERENCE) == 0.5
    assert share_not_ok(said, DRIVER) == 0.0
