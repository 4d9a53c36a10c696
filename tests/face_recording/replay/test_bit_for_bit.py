"""Replays of a recording, begun anywhere: every face equals the one that was published."""

from __future__ import annotations

from pathlib import Path

import pytest

from in_process_replay import replayed
from recorded_bag import MISSED, SNAPSHOT_EVERY, write_recording

SECONDS = 12.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bag") / "bag", SECONDS)


def test_from_the_beginning(path: Path) -> None:
    check, stage, _ = replayed(path)
    assert check.ok, check.summary
    assert check.equal == round(100 * SECONDS) - len(MISSED)
    assert stage.taken_over == round(100 * SECONDS) // SNAPSHOT_EVERY
    assert not check.unrecorded


@pytest.mark.parametrize("start_s", [0.5, 3.0, 3.001, 6.52, 11.9])
def test_begun_anywhere(path: Path, start_s: float) -> None:
    check, stage, _ = replayed(path, start_s=start_s)
    assert check.ok, check.summary
    assert check.equal >= round(100 * (SECONDS - start_s)) - len(MISSED) - 1
    # What is played before the start is not what was asked for: it is not counted.
    assert check.equal <= round(100 * (SECONDS - start_s)) + 2
    assert stage.frames <= round(100 * (SECONDS - start_s)) + SNAPSHOT_EVERY + 1


def test_a_part(path: Path) -> None:
    check, _, _ = replayed(path, start_s=4.0, duration_s=2.0)
    assert check.ok, check.summary
