from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from face_dataset.shards import ShardedDataset, store_recordings
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.errors import InferenceError
from face_inference.model_folder import load_model
from face_model.faces import load_rig
from face_training.config import train_config_from
from face_training.distributed import ALONE
from face_training.networks import published
from face_training.run_folder import RECORD
from face_training.train import train_model


@pytest.fixture
def data(tmp_path, recorded):
    """One person for each split."""
    people = [(0, "ann", "train"), (1, "bob", "validation"), (9, "dora", "test")]
    takes = [(recorded(seed=s, seconds=5.0, person=p), split) for s, p, split in people]
    store_recordings(tmp_path / "data", takes, licences={"dora.csv": "MIT"})
    return ShardedDataset.open(tmp_path / "data")


@pytest.fixture
def config():
    stage = {"batch": 2, "chunk_s": 0.3, "warm_up_steps": 1}
    network = {"architecture": "diffusion", "width": 16, "layers": 1, "heads": 2, "window": 8, "horizon": 4}
    network |= {"denoiser_layers": 1, "denoiser_width": 16, "steps": 2}
    return train_config_from(
        {
            "name": "tiny",
            "network": network,
            "stage_1": stage | {"steps": 4},
            "stage_2": stage | {"steps": 3, "surface_weight": 1.0, "contact_weight": 1.0},
            "distil": stage | {"steps": 2, "likelihood_weight": 0.0},
            "export": ["stage_2"],
        }
    )


def test_sequence_form_equals_the_exported_network(trained):
    network, take = trained["network"], trained["dataset"].validation[0]
    moving = take.inputs[250:450]
    inputs = torch.from_numpy(moving)[None]
    with torch.no_grad():
        mean, log_variance, _ = network(inputs, network.initial_state(1))
        weights, confidence = published(network, mean, log_variance, inputs)
    engine = OnnxRuntimeEngine(trained["model"])
    for i, tick in enumerate(moving):
        engine.inputs[0] = tick
        output = engine.step()
        np.testing.assert_allclose(output.weights[0], weights[0, i], atol=1e-5)
        np.testing.assert_allclose(output.confidence[0], confidence[0, i], atol=1e-5)
    assert float(weights.std(dim=1).max()) > 0.01, "a constant output would make this test empty"


def test_one_call_from_a_data_set_to_a_scored_model_folder(config, data, tmp_path, mounts):
    seen = []
    done = train_model(
        config, data, mounts, tmp_path / "run", tmp_path / "models", [load_rig()],
        progress=lambda share, line: seen.append(share),
    )  # fmt: skip
    assert set(done.evaluations) == {"neutral"}
    assert set(done.evaluations["neutral"].people) == {"dora"}
    description = done.model.description
    assert description.numbers["states"]["neutral"]["mae"] == round(done.evaluations["neutral"].overall.mae, 4)
    assert description.training["data_sha256"] == data.sha256
    assert (description.training["people"], description.training["validation_people"]) == (1, 1)
    assert description.licences == {"motion dora.csv": "MIT"}
    assert list(description.training["stages"]) == ["stage_1", "stage_2", "distil"]
    assert description.training["stages"]["stage_2"]["contact_weight"] == 1.0
    card = (done.model.path / "README.md").read_text()
    for part in ("| mae |", "- distil: steps 2", "## Confidence", "80 % intervals held", "motion dora.csv: MIT"):
        assert part in card
    teacher = load_model(tmp_path / "models" / "tiny_stage_2").description
    assert list(teacher.training["stages"]) == ["stage_1", "stage_2"]
    assert teacher.sha256 != description.sha256
    assert "Not evaluated." in (tmp_path / "models" / "tiny_stage_2" / "README.md").read_text()
    assert json.loads((tmp_path / "run" / RECORD).read_text())["data_set"]["name"] == "recordings"
    assert seen[-1] == 1.0


def test_a_manifest_with_one_person_on_both_sides_is_refused(trained, tmp_path, mounts):
    data = trained["data"]
    takes = (replace(data.manifest.takes[0], split="test"), *data.manifest.takes[1:])
    both = ShardedDataset(data.folder, replace(data.manifest, takes=(*takes, data.manifest.takes[0])))
    with pytest.raises(InferenceError, match="found ann on both sides"):
        train_model(trained["config"], both, mounts, tmp_path / "run", tmp_path / "models")


def test_only_the_first_process_writes_a_model(config, data, tmp_path, mounts, monkeypatch):
    monkeypatch.setattr("torch.distributed.barrier", lambda: None)
    first = train_model(config, data, mounts, tmp_path / "run", tmp_path / "models", [load_rig()])
    other = replace(ALONE, rank=1)
    before = sorted(path for path in tmp_path.rglob("*"))
    assert train_model(config, data, mounts, tmp_path / "run", tmp_path / "models", [load_rig()], None, other) is None
    assert sorted(path for path in tmp_path.rglob("*")) == before
    assert first is not None
