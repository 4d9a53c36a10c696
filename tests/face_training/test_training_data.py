from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_dataset.shards import ShardedDataset, store_recordings
from face_inference.errors import InferenceError
from face_model import arkit
from face_training.config import StageConfig, TrainConfig
from face_training.training_data import load_dataset

SHORT = TrainConfig(stage_1=StageConfig(steps=1, chunk_s=0.5))


def test_nobody_is_in_training_and_validation(trained):
    dataset = trained["dataset"]
    assert {t.person for t in dataset.training}.isdisjoint({t.person for t in dataset.validation})
    assert len(dataset.training) + len(dataset.validation) == 3


def test_features_are_computed_once_and_again_for_other_data(trained, tmp_path, mounts, recorded):
    config, data = trained["config"], trained["data"]
    told = []

    def progress(share, line):
        if line.startswith("features"):
            told.append(share)

    first = load_dataset(config, data, mounts, tmp_path, progress)
    assert told[-1] == 1.0
    again = load_dataset(config, data, mounts, tmp_path, progress)
    assert len(told) == 3, "three takes, once"
    for one, other in zip(first.training, again.training, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.weights, other.weights)
    store_recordings(tmp_path / "other", [(recorded(seed=s, person=f"p{s}"), "train") for s in (5, 6)])
    load_dataset(config, ShardedDataset.open(tmp_path / "other"), mounts, tmp_path, progress)
    assert len(list(tmp_path.glob("features_*.npy"))) == 1, "stale features are removed"
    load_dataset(replace(config, neutral_s=1.0), ShardedDataset.open(tmp_path / "other"), mounts, tmp_path, progress)
    assert len(told) == 7


def test_chunks_are_pieces_of_takes_of_the_training_split_or_their_mirror_images(trained):
    dataset = trained["dataset"]
    inputs, weights = dataset.chunks(np.random.default_rng(3), 12, 40)
    assert inputs.shape == (12, 40, dataset.channels.size + 2 * arkit.COUNT)
    for truth in weights:
        sides = (truth, truth[:, list(arkit.MIRROR)])
        assert any(
            np.array_equal(take.weights[start : start + 40], side)
            for take in dataset.training
            for side in sides
            for start in np.flatnonzero(np.all(take.weights[: len(take.weights) - 39] == side[0], axis=1))
        )


def test_chunks_come_from_the_sources_that_are_named(trained):
    dataset = trained["dataset"]
    source = dataset.training[0].source
    named = dataset.chunks(np.random.default_rng(3), 4, 40, (source,))[1]
    assert named.shape == (4, 40, arkit.COUNT)
    with pytest.raises(InferenceError, match=r"expected takes of nobody.csv, found only"):
        dataset.chunks(np.random.default_rng(3), 4, 40, ("nobody.csv",))


def test_recorded_faces_have_their_share_however_short_their_takes_are(trained):
    dataset = trained["dataset"]
    first = dataset.training[0]
    long = replace(
        first,
        source="generated",
        features=np.tile(first.features, (9, 1)),
        weights=np.ones((9 * len(first.weights), 52), "f4"),
    )
    mixed = replace(dataset, training=(replace(first, weights=0.0 * first.weights), long))
    shares = []
    for share in (0.0, 0.5):
        _, weights = replace(mixed, recorded_share=share).chunks(np.random.default_rng(3), 200, 40)
        shares.append(np.mean(weights.max(axis=(1, 2)) == 0.0))
    assert shares[0] < 0.2
    assert 0.4 < shares[1] < 0.6


def test_changing_a_take_in_memory_changes_no_file(trained, tmp_path, mounts):
    config, data = trained["config"], trained["data"]
    before = load_dataset(config, data, mounts, tmp_path).training[0].features
    original = before[5].copy()
    before[5] = 99.0
    np.testing.assert_array_equal(load_dataset(config, data, mounts, tmp_path).training[0].features[5], original)


def test_takes_of_another_rate_or_of_one_person_are_refused(tmp_path, mounts, recorded):
    store_recordings(tmp_path / "slow", [(recorded(seconds=3.0, rate_hz=50.0), "train")])
    with pytest.raises(InferenceError, match=r"expected 100.0 Hz, found 50.0 Hz"):
        load_dataset(SHORT, ShardedDataset.open(tmp_path / "slow"), mounts, tmp_path)
    store_recordings(tmp_path / "one", [(recorded(seconds=3.0), "train")])
    with pytest.raises(InferenceError, match="at least two people"):
        load_dataset(SHORT, ShardedDataset.open(tmp_path / "one"), mounts, tmp_path)
