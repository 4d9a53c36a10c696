from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch, running does not")
pytest.importorskip("onnx", reason="export needs the package onnx, running does not")

from face_inference.errors import TrainingError  # noqa: E402
from face_inference.network import SingleStep, published  # noqa: E402
from face_inference.onnx_engine import OnnxEngine  # noqa: E402
from face_inference.training.config import TrainConfig, load_train_config, train_config_from  # noqa: E402
from face_inference.training.dataset import load_dataset  # noqa: E402
from face_inference.training.loop import LOG, RECORD, train_network  # noqa: E402
from face_inference.training.train import train_model  # noqa: E402
from face_model.shards import ShardedDataset, store_recordings  # noqa: E402


def test_training_lowers_the_squared_error(trained):
    losses = trained["losses"]
    squared = losses[: trained["config"].mse_steps]
    assert len(losses) == trained["config"].steps
    assert squared[-1] < 0.6 * squared[0]
    likelihood = losses[trained["config"].mse_steps :]
    assert np.mean(likelihood[-5:]) < np.mean(likelihood[:5])


def test_step_form_equals_sequence_form_equals_exported_network(trained):
    network, take = trained["network"], trained["dataset"].validation[0]
    moving = take.features[250:450]
    features = torch.from_numpy(moving)
    with torch.no_grad():
        mean, log_variance, _ = network(features[None], network.initial_state(1))
        weights, confidence = published(network, mean[0], log_variance[0])
        step, state = SingleStep(network), network.initial_state(1)
        engine = OnnxEngine(trained["model"])
        for i in range(len(features)):
            w, c, state = step(features[i : i + 1], state)
            output = engine.step(moving[i])
            np.testing.assert_allclose(w[0], weights[i], atol=1e-5)
            np.testing.assert_allclose(c[0], confidence[i], atol=1e-5)
            np.testing.assert_allclose(output.weights, weights[i], atol=1e-5)
            np.testing.assert_allclose(output.confidence, confidence[i], atol=1e-5)
    assert float(weights.std(dim=0).max()) > 0.01, "a constant output would make this test empty"


def test_confidence_comes_true_about_as_often_as_claimed_where_it_was_fitted(trained):
    network = trained["network"]
    claimed, within = [], []
    for take in trained["dataset"].validation:
        with torch.no_grad():
            mean, log_variance, _ = network(torch.from_numpy(take.features)[None], network.initial_state(1))
            weights, confidence = published(network, mean[0], log_variance[0])
        claimed.append(confidence.numpy())
        within.append(np.abs(weights.numpy() - take.weights) <= 0.1)
    assert np.concatenate(claimed).mean() == pytest.approx(np.concatenate(within).mean(), abs=0.1)


def test_a_resumed_run_equals_an_uninterrupted_one(trained, tmp_path, mounts):
    config, dataset = trained["config"], trained["dataset"]
    train_network(config, dataset, mounts, tmp_path, stop_after=33)
    resumed = train_network(config, dataset, mounts, tmp_path)
    losses = [json.loads(line)["loss"] for line in (tmp_path / LOG).read_text().splitlines()]
    assert losses == trained["losses"]
    for name, value in trained["network"].state_dict().items():
        if name != "log_temperature":  # fitted after the training
            assert torch.equal(resumed.state_dict()[name], value), name


def test_a_run_folder_of_another_run_is_refused(trained, tmp_path, mounts):
    config, dataset = trained["config"], trained["dataset"]
    train_network(config, dataset, mounts, tmp_path, stop_after=1)
    with pytest.raises(TrainingError, match="another config"):
        train_network(replace(config, seed=2), dataset, mounts, tmp_path, stop_after=1)
    with pytest.raises(TrainingError, match="another data_sha256"):
        train_network(config, replace(dataset, sha256="0"), mounts, tmp_path, stop_after=1)


def test_the_run_folder_says_what_was_trained_on_what(trained):
    record = json.loads((trained["run_dir"] / RECORD).read_text())
    assert record["data_sha256"] == trained["dataset"].sha256
    assert record["config"]["seed"] == 1
    assert "git_revision" in record


def test_nobody_is_in_training_and_validation(trained):
    dataset = trained["dataset"]
    assert {t.person for t in dataset.training}.isdisjoint({t.person for t in dataset.validation})
    assert len(dataset.training) + len(dataset.validation) == 3


def test_features_are_computed_once_and_again_for_other_data(trained, tmp_path, mounts, recorded):
    config, data = trained["config"], trained["data"]
    told = []

    def progress(share, line):
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


def test_chunks_are_pieces_of_takes_of_the_training_split(trained, mounts):
    dataset = trained["dataset"]
    features, weights = dataset.chunks(np.random.default_rng(3), 12, 40)
    for part, truth in zip(features, weights, strict=True):
        found = [
            start
            for take in dataset.training
            for start in np.flatnonzero(np.all(take.features[: len(take.features) - 39] == part[0], axis=1))
            if np.array_equal(take.features[start : start + 40], part)
            and np.array_equal(take.weights[start : start + 40], truth)
        ]
        assert found


def test_changing_a_take_in_memory_changes_no_file(trained, tmp_path, mounts):
    config, data = trained["config"], trained["data"]
    before = load_dataset(config, data, mounts, tmp_path).training[0].features
    original = before[5].copy()
    before[5] = 99.0
    np.testing.assert_array_equal(load_dataset(config, data, mounts, tmp_path).training[0].features[5], original)


def test_one_call_from_a_data_set_to_a_scored_model_folder(trained, tmp_path, mounts, recorded):
    people = [(0, "ann", "train"), (1, "bob", "validation"), (9, "dora", "test")]
    takes = [(recorded(seed=s, seconds=5.0, person=p), split) for s, p, split in people]
    store_recordings(tmp_path / "data", takes, licences={"dora.csv": "MIT"})
    data, seen = ShardedDataset.open(tmp_path / "data"), []
    done = train_model(
        replace(trained["config"], steps=10), data, mounts, tmp_path / "run", tmp_path / "models",
        progress=lambda share, line: seen.append(share),
    )  # fmt: skip
    assert done.evaluation is not None
    assert set(done.evaluation.people) == {"dora"}
    description = done.model.description
    assert description.numbers["overall"]["mae"] == round(done.evaluation.overall.mae, 4)
    assert description.training["data_sha256"] == data.sha256
    assert (description.training["people"], description.training["validation_people"]) == (1, 1)
    assert description.licences == {"motion dora.csv": "MIT"}
    assert "| mae |" in (done.model.path / "README.md").read_text()
    assert json.loads((tmp_path / "run" / RECORD).read_text())["data_set"]["name"] == "recordings"
    assert seen[-1] == 1.0


def test_a_manifest_with_one_person_on_both_sides_is_refused(trained, tmp_path, mounts):
    data = trained["data"]
    takes = (replace(data.manifest.takes[0], split="test"), *data.manifest.takes[1:])
    both = ShardedDataset(data.folder, replace(data.manifest, takes=(*takes, data.manifest.takes[0])))
    with pytest.raises(TrainingError, match="found ann on both sides"):
        train_model(trained["config"], both, mounts, tmp_path / "run", tmp_path / "models")


def test_takes_of_another_rate_or_of_one_person_are_refused(tmp_path, mounts, recorded):
    store_recordings(tmp_path / "slow", [(recorded(seconds=3.0, rate_hz=50.0), "train")])
    with pytest.raises(TrainingError, match=r"expected 100.0 Hz, found 50.0 Hz"):
        load_dataset(TrainConfig(chunk_s=0.5), ShardedDataset.open(tmp_path / "slow"), mounts, tmp_path)
    store_recordings(tmp_path / "one", [(recorded(seconds=3.0), "train")])
    with pytest.raises(TrainingError, match="at least two people"):
        load_dataset(TrainConfig(chunk_s=0.5), ShardedDataset.open(tmp_path / "one"), mounts, tmp_path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"stepz": 3}, "found stepz"),
        ({"steps": "many"}, "expected steps to be int"),
        ({"seed": True}, "expected seed to be int"),
        ({"augment": {"mirror": 1.0}}, "found augment.mirror"),
        ({"augment": 3}, "expected a mapping"),
    ],
)
def test_bad_configurations_are_refused(content, match):
    with pytest.raises(TrainingError, match=match):
        train_config_from(content)


def test_the_shipped_configuration_can_be_read(tmp_path):
    shipped = Path(__file__).resolve().parents[3] / "config" / "train.yaml"
    assert load_train_config(shipped).name == "imusic_gru"
    assert train_config_from({"learning_rate": 1}) == TrainConfig(learning_rate=1.0)
    with pytest.raises(TrainingError, match="expected a training configuration"):
        load_train_config(tmp_path / "none.yaml")
