from __future__ import annotations

import json
import multiprocessing
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_dataset.shards import CountScale, ShardedDataset, store_recordings
from face_dataset.shards.encoding import QUATERNION_COUNT, WEIGHT_COUNT, bytes_per_sample, decode, encode
from face_dataset.shards.writer import grouped, write_whole
from face_model import arkit, rotation
from imu_sim.errors import DatasetError
from imu_sim.recording import Recording

NAMES = ("skull", "brow", "chin")


def make(seed: int = 0, samples: int = 50, person: str = "ann") -> Recording:
    rng = np.random.default_rng(seed)
    turn = rotation.normalise(rng.normal(size=(samples, len(NAMES), 4)))
    return Recording(
        person=person,
        take=f"{person}_{seed}",
        rate_hz=100.0,
        sensor_names=NAMES,
        orientation=turn.astype(np.float32),
        angular_velocity=rng.normal(0.0, 3.0, (samples, len(NAMES), 3)).astype(np.float32),
        specific_force=rng.normal(0.0, 9.0, (samples, len(NAMES), 3)).astype(np.float32),
        valid=rng.random((samples, len(NAMES))) < 0.9,
        weights=rng.uniform(0.0, 1.1, (samples, arkit.COUNT)).astype(np.float32),
        head_orientation=turn[:, 0].astype(np.float32),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    takes = [(make(0), "train"), (make(1, 70), "train"), (make(2, 30, "bob"), "validation")]
    store_recordings(tmp_path, takes, name="three", most_bytes=bytes_per_sample(len(NAMES)) * 80)
    return tmp_path


def test_what_is_stored_comes_back_within_half_a_count(folder: Path) -> None:
    dataset = ShardedDataset.open(folder)
    assert [len(take.recording().valid) for take in dataset] == [50, 70, 30]
    assert len(list(folder.glob("shard_*.safetensors"))) == 3, "two takes of 120 samples exceed 80"
    for take, original in zip(dataset, (make(0), make(1, 70), make(2, 30, "bob")), strict=True):
        found, valid, scale = take.recording(), original.valid, take.info.scale
        assert (found.person, found.take, found.rate_hz, found.sensor_names) == (
            original.person, original.take, 100.0, NAMES,
        )  # fmt: skip
        np.testing.assert_array_equal(found.valid, valid)
        for name, count in (
            ("orientation", QUATERNION_COUNT),
            ("angular_velocity", scale.gyro_rad_s),
            ("specific_force", scale.accel_m_s2),
        ):
            error = np.abs(getattr(found, name) - getattr(original, name))[valid]
            assert error.max() <= 0.501 * count, name
            assert not np.any(getattr(found, name)[~valid]), "what is not valid is zero"
        turned = rotation.multiply(rotation.conjugate(original.orientation), rotation.normalise(found.orientation))
        assert np.linalg.norm(rotation.to_vector(turned), axis=-1)[valid].max() < 6.2e-5
        assert np.abs(found.weights - original.weights).max() <= 0.501 * WEIGHT_COUNT
        assert np.abs(found.head_orientation - original.head_orientation).max() <= 0.501 * QUATERNION_COUNT


def test_signals_that_a_part_quantised_are_stored_without_loss() -> None:
    scale = CountScale.of_ranges(np.deg2rad(1024.0), 8 * 9.80665)
    recording = make(3)
    coarse = replace(
        recording,
        valid=np.ones_like(recording.valid),
        angular_velocity=(np.rint(recording.angular_velocity / scale.gyro_rad_s) * scale.gyro_rad_s).astype("f4"),
    )
    found = decode("angular_velocity", encode(coarse, scale)["angular_velocity"], scale)
    np.testing.assert_allclose(found, coarse.angular_velocity, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_slice_equals_that_part_of_the_whole(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    samples = data.draw(st.integers(1, 40))
    folder = tmp_path_factory.mktemp("slices")
    store_recordings(folder, [(make(1, samples), "train")])
    take = ShardedDataset.open(folder)[0]
    start = data.draw(st.integers(0, samples))
    stop = data.draw(st.integers(start, samples))
    part, whole = take.slice(start, stop), take.recording()
    for name in ("orientation", "angular_velocity", "specific_force", "valid", "weights", "head_orientation"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[start:stop])


@given(sizes=st.lists(st.integers(1, 100), max_size=30), most=st.integers(1, 200))
def test_grouping_keeps_order_and_bounds(sizes: list[int], most: int) -> None:
    numbers = grouped(sizes, most)
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(max(numbers, default=-1) + 1))
    for number in set(numbers):
        held = [size for size, at in zip(sizes, numbers, strict=True) if at == number]
        assert len(held) == 1 or sum(held) <= most


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 2), (0, 51)])
def test_a_range_outside_the_take_is_refused(folder: Path, start: int, stop: int) -> None:
    with pytest.raises(DatasetError, match=r"range within 0\.\.50"):
        ShardedDataset.open(folder)[0].slice(start, stop)


def _weights_of(dataset: ShardedDataset, take: int) -> float:
    return float(dataset[take].recording().weights.sum())


def test_other_processes_map_the_files_themselves(folder: Path) -> None:
    dataset = ShardedDataset.open(folder)
    here = [_weights_of(dataset, i) for i in range(3)]
    assert pickle.loads(pickle.dumps(dataset)).sha256 == dataset.sha256
    with multiprocessing.get_context("fork").Pool(2) as forked:
        assert forked.starmap(_weights_of, [(dataset, i) for i in range(3)]) == here


def test_equal_content_has_an_equal_hash_and_other_content_another(folder: Path, tmp_path: Path) -> None:
    takes = [(make(0), "train"), (make(1, 70), "train"), (make(2, 30, "bob"), "validation")]
    most = bytes_per_sample(len(NAMES)) * 80
    again = store_recordings(tmp_path / "again", takes, name="other name", most_bytes=most)
    changed = store_recordings(tmp_path / "changed", [(make(9), "train"), *takes[1:]], most_bytes=most)
    assert again.sha256 == ShardedDataset.open(folder).sha256 != changed.sha256


def test_a_person_in_two_splits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found ann in train and test"):
        store_recordings(tmp_path, [(make(0), "train"), (make(1), "test")])


def test_every_damage_is_found_and_named(folder: Path) -> None:
    shard = folder / "shard_00001.safetensors"
    whole = shard.read_bytes()

    shard.write_bytes(whole[:-7])
    with pytest.raises(DatasetError, match=r"shard_00001.*expected \d+ bytes"):
        ShardedDataset.open(folder)

    shard.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    changed = ShardedDataset.open(folder)
    with pytest.raises(DatasetError, match=r"shard_00001.*SHA-256"):
        list(changed.verify())

    shard.write_bytes(b"\xff" * len(whole))
    with pytest.raises(DatasetError, match="safetensors"):
        ShardedDataset.open(folder)[1].recording()

    shard.write_bytes(whole)
    assert len(list(ShardedDataset.open(folder).verify())) == 3

    shard.unlink()
    with pytest.raises(DatasetError, match="shard_00001"):
        ShardedDataset.open(folder)


def _without_takes(found: dict) -> dict:
    return {key: value for key, value in found.items() if key != "takes"}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda found: found | {"format_version": 99}, "expected format_version 1, found 99"),
        (lambda found: found | {"colour": "red"}, "colour"),
        (_without_takes, "takes"),
        (lambda found: found | {"sha256": "0"}, "another hash"),
        (lambda found: [found], "manifest"),
    ],
)
def test_a_manifest_that_contradicts_is_refused(folder: Path, change: Callable, match: str) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(DatasetError, match=match):
        ShardedDataset.open(folder)


def test_a_folder_without_data_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="imusic dataset build"):
        ShardedDataset.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DatasetError, match=r"manifest\.json"):
        ShardedDataset.open(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.5])
def test_values_that_counts_cannot_hold_are_refused(tmp_path: Path, value: float) -> None:
    recording = make(0)
    recording.weights[3, 4] = value
    with pytest.raises(DatasetError, match="weights of take ann_0"):
        store_recordings(tmp_path, [(recording, "train")])
    assert not list(tmp_path.glob("*"))


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DatasetError, match=r"make room.*|No space left"):
        write_whole(tmp_path / "shard", b"content")
    assert not list(tmp_path.iterdir())
