"""What outlives a process that is killed: found again by the one that takes its place, and by nobody else."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face_evaluation.takes import layout_of, samples_of
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.kept_state import KEEP_PERIOD_S, MOST_BYTES, RESUME_S, KeptState
from face_inference.neutral_calibration import CalibrationParams
from face_inference.tracker import FaceTracker
from face_inference.tracker_params import TrackerParams
from face_model.face_state import FaceState
from face_model.saved_arrays import packed

PLACE = "/alice/face_inference"


class Wearer:
    """A tracker and the samples of a take."""

    def __init__(self, trained: Any, recording: Any) -> None:
        model = trained["model"]
        params = TrackerParams(calibration=CalibrationParams(duration_s=0.5, patience_s=1.5))
        self.tracker = FaceTracker(model.description, OnnxRuntimeEngine(model), params)
        self.tracker.set_layout(layout_of(recording))
        self.samples = list(samples_of(recording))

    def play(self, start: int, stop: int) -> list[Any]:
        return [self.tracker.update(sample, sample.hub_time_s) for sample in self.samples[start:stop]]


@pytest.fixture
def wearer(trained: Any, recorded: Any) -> Wearer:
    return Wearer(trained, recorded(seed=5, seconds=6.0))


def kept(folder: Path | None, place: str = PLACE, started_with: str = "a model") -> KeptState:
    return KeptState(folder, place, started_with)


def keep(folder: Path, wearer: Wearer, profile: str = "") -> Path:
    """Keep the state as a process does that is killed right after."""
    state = kept(folder)
    state.keep_if_due(wearer.tracker, profile, 1000.0)
    state._writer.shutdown()
    assert state.problem == ""
    (file,) = folder.iterdir()
    return file


def test_a_tracker_goes_on_with_the_neutral_and_the_same_faces(
    wearer: Wearer, trained: Any, recorded: Any, tmp_path: Path
) -> None:
    wearer.play(0, 120)
    keep(tmp_path, wearer, "alice")
    found = kept(tmp_path).find()
    assert found is not None
    assert (found.profile, 0.0 <= found.age_s < RESUME_S) == ("alice", True)
    other = Wearer(trained, recorded(seed=5, seconds=6.0))
    found.restore(other.tracker)
    assert packed(other.tracker.saved_state()) == packed(wearer.tracker.saved_state())
    for one, two in zip(wearer.play(120, 200), other.play(120, 200), strict=True):
        np.testing.assert_array_equal(one.weights, two.weights)


def test_after_the_time_away_it_follows_without_a_new_neutral(
    wearer: Wearer, trained: Any, recorded: Any, tmp_path: Path
) -> None:
    wearer.play(0, 120)
    keep(tmp_path, wearer)
    other = Wearer(trained, recorded(seed=5, seconds=6.0))
    found = kept(tmp_path).find()
    assert found is not None
    found.restore(other.tracker)
    states = [face.state for face in other.play(300, 400)]
    assert FaceState.CALIBRATING not in states
    assert states[-1] is FaceState.TRACKING


def test_before_the_first_neutral_nothing_is_kept(wearer: Wearer, tmp_path: Path) -> None:
    wearer.play(0, 20)
    state = kept(tmp_path)
    state.keep_if_due(wearer.tracker, "", 1000.0)
    state.forget()
    assert list(tmp_path.iterdir()) == []
    assert kept(tmp_path).find() is None


def test_it_is_kept_now_and_then_and_when_something_was_learned(wearer: Wearer, tmp_path: Path) -> None:
    wearer.play(0, 120)
    state, written = kept(tmp_path), []
    state._write = lambda *_: written.append(1)  # type: ignore[method-assign]

    def keep_at(now_s: float) -> int:
        state.keep_if_due(wearer.tracker, "", now_s)
        assert state._writing is not None
        state._writing.result()
        return len(written)

    assert [keep_at(t) for t in (100.0, 100.1, 99.9 + KEEP_PERIOD_S, 100.0 + KEEP_PERIOD_S)] == [1, 1, 1, 2]
    neutral = wearer.tracker.neutral
    assert neutral is not None
    wearer.tracker.neutral = neutral
    assert keep_at(100.1 + KEEP_PERIOD_S) == 2
    assert keep_at(100.6 + KEEP_PERIOD_S) == 3


def test_it_is_the_owners_alone_and_gone_after_an_end_in_order(wearer: Wearer, tmp_path: Path) -> None:
    wearer.play(0, 120)
    folder = tmp_path / "run" / "imusic"
    folder.parent.mkdir()
    file = keep(folder, wearer)
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    state = kept(folder)
    assert state.find() is not None
    state.forget()
    assert not file.exists()


def test_who_never_began_deletes_nothing(wearer: Wearer, tmp_path: Path) -> None:
    wearer.play(0, 120)
    file = keep(tmp_path, wearer)
    kept(tmp_path).forget()  # a configuration that was refused
    assert file.exists()


def test_others_find_nothing(wearer: Wearer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wearer.play(0, 120)
    file = keep(tmp_path, wearer)
    assert kept(tmp_path, place="/bob/face_inference").find() is None
    assert kept(tmp_path, started_with="another model").find() is None
    assert kept(None).find() is None
    for age_s in (RESUME_S + 5.0, -5.0):
        os.utime(file, (time.time() - age_s,) * 2)
        assert kept(tmp_path).find() is None
    os.utime(file)
    assert kept(tmp_path).find() is not None
    monkeypatch.setenv("ROS_DOMAIN_ID", "217")
    assert kept(tmp_path).find() is None


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04" + bytes(100)])
def test_what_is_damaged_is_told_and_not_used(wearer: Wearer, tmp_path: Path, content: bytes) -> None:
    wearer.play(0, 120)
    keep(tmp_path, wearer).write_bytes(content)
    state = kept(tmp_path)
    assert state.find() is None
    assert "expected a snapshot" in state.problem
    state.keep_if_due(wearer.tracker, "", 1000.0)
    state._writer.shutdown()
    assert kept(tmp_path).find() is not None


def test_what_is_cut_or_too_large_is_not_used(wearer: Wearer, tmp_path: Path) -> None:
    wearer.play(0, 120)
    file = keep(tmp_path, wearer)
    whole = file.read_bytes()
    for cut in range(1, len(whole), len(whole) // 20):
        file.write_bytes(whole[:cut])
        assert kept(tmp_path).find() is None
    with file.open("wb") as large:
        large.truncate(MOST_BYTES + 1)
    assert kept(tmp_path).find() is None


def test_a_folder_that_cannot_be_written_is_told(wearer: Wearer, tmp_path: Path) -> None:
    wearer.play(0, 120)
    (tmp_path / "file").write_text("no folder")
    state = kept(tmp_path / "file")
    state.keep_if_due(wearer.tracker, "", 1000.0)
    state.forget()
    assert "resume_folder" in state.problem or "expected to delete" in state.problem
