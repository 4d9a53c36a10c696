"""Takes as data sets: where labels are known, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import face_evaluation.take_datasets as module
from face_dataset.shards import ShardedDataset
from face_evaluation.take_datasets import LEAST_S, reference_of, store_takes
from face_recording.take_sheet import TakeSheet
from face_recording.takes.errors import NoTakeError, TakeError
from imu_sim.recording import Recording
from imusic_cli.errors import CommandError
from made_up_bags import tracked, write_bag


def test_the_reference_comes_at_its_own_even_rate(tmp_path: Path) -> None:
    take = tracked(500, calibrating=0)
    folder = write_bag(tmp_path / "t", {"a": take}, sheet=TakeSheet(wearer="Ana"), reference_lag_s=0.2)
    place, person, reference = reference_of(folder, None)
    assert (place, person) == ("a", "Ana")
    assert reference.rate_hz == pytest.approx(50.0)
    assert np.allclose(reference.weights, np.clip(take.weights[::2], 0.0, 1.2), atol=1e-6)
    assert reference.seen.all()


def test_a_lost_face_ends_a_piece_and_a_short_loss_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that are shifted by hand, so that no model is needed."""
    folder = write_bag(tmp_path / "t", {"": tracked(1000)}, sheet=TakeSheet(wearer="Ana"), reference_lag_s=0.0)

    def with_truth(recording: Recording, *_: object) -> Recording:
        seen = np.ones(len(recording.valid), dtype=bool)
        seen[300:310] = seen[500:560] = seen[600:640] = False
        assert recording.person == "Ana"
        return replace(recording, seen=seen, weights=np.full_like(recording.weights, 0.5))

    monkeypatch.setattr(module, "with_truth", with_truth)
    lines = list(store_takes(tmp_path / "set", [folder], "validation"))
    assert "2 pieces" in lines[0]
    dataset = ShardedDataset.open(tmp_path / "set")
    assert [take.samples for take in dataset.manifest.takes] == [500, 360]
    assert {(take.person, take.split) for take in dataset.manifest.takes} == {("Ana", "validation")}
    assert all(take.duration_s >= LEAST_S for take in dataset.manifest.takes)
    assert dataset[0].recording().sensor_names == ("skull", "chin")


def test_what_has_no_labels_is_refused(tmp_path: Path) -> None:
    plain = write_bag(tmp_path / "plain", {"": tracked(100)})
    with pytest.raises(CommandError, match="--truth"):
        list(store_takes(tmp_path / "set", [plain], "test"))
    assert not (tmp_path / "set").exists()
    two = write_bag(tmp_path / "two", {"a": tracked(50), "b": tracked(50)}, reference_lag_s=0.0)
    with pytest.raises(TakeError, match="--namespace"):
        list(store_takes(tmp_path / "set", [two], "test"))
    with pytest.raises(CommandError, match="--split"):
        list(store_takes(tmp_path / "set", [plain], "exam"))
    with pytest.raises(CommandError, match="empty"):
        list(store_takes(plain, [plain], "test"))
    with pytest.raises(NoTakeError):
        list(store_takes(tmp_path / "set", [tmp_path], "test"))
