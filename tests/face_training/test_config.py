from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from face_inference.errors import InferenceError
from face_training.config import StageConfig, TrainConfig, load_train_config, train_config_from
from face_training.networks import ARCHITECTURES

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "train"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"stepz": 3}, "found stepz"),
        ({"stage_1": {"steps": "many"}}, "expected stage_1.steps to be int"),
        ({"seed": True}, "expected seed to be int"),
        ({"augment": {"mirror": 1.0}}, "found augment.mirror"),
        ({"augment": 3}, "expected a mapping"),
        ({"network": {"inputs": 300}}, "found network.inputs"),
        ({"network": {"architecture": "lstm"}}, "expected architecture to be one of"),
        ({"stage_2": {"sources": "generated"}}, "expected stage_2.sources to be a list of names"),
        ({"device": "tpu"}, "expected device to be one of auto, cpu, cuda, found tpu"),
        ({"precision": "half"}, "expected precision to be one of"),
        ({"stage_1": {"steps": 0}}, "nothing to train"),
        ({"export": ["stage_2"]}, "expected export to name stages that have steps, found stage_2"),
        ({"network": {"architecture": "gru"}, "distil": {"steps": 5}}, "expected a diffusion network for distil"),
    ],
)
def test_bad_configurations_are_refused(content, match):
    with pytest.raises(InferenceError, match=match):
        train_config_from(content)


def test_what_is_absent_keeps_its_default():
    config = train_config_from({"stage_1": {"learning_rate": 1, "sources": ["generated"]}, "export": ["stage_1"]})
    assert config.stage_1 == StageConfig(steps=2000, learning_rate=1.0, sources=("generated",))
    assert config.network == TrainConfig().network
    assert list(config.stages) == ["stage_1"]


def test_the_shipped_training_names_every_key_and_each_comparison_its_architecture():
    content = yaml.safe_load((SHIPPED / "imusic.yaml").read_text())
    assert _missing(load_train_config(SHIPPED / "imusic.yaml"), content) == {"network.inputs"}
    found = {path.stem: load_train_config(path) for path in SHIPPED.glob("*.yaml")}
    assert {config.network.architecture for config in found.values()} == set(ARCHITECTURES)
    for name, config in found.items():
        assert config.name == name
        assert config.augment == found["imusic"].augment, "compared on the same data"
        assert config.hidden_weight == found["imusic"].hidden_weight


def test_a_file_that_is_none_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(InferenceError, match=r"expected a training configuration at .*none.yaml, found no file"):
        load_train_config(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [")
    with pytest.raises(InferenceError, match="expected a training configuration in"):
        load_train_config(broken)
    broken.write_text("network: {width: 100, heads: 3}")
    with pytest.raises(InferenceError, match=r"broken.yaml: expected width"):
        load_train_config(broken)


def _missing(config: Any, content: dict[str, Any], prefix: str = "") -> set[str]:
    found = set()
    for field in fields(config):
        value, name = getattr(config, field.name), f"{prefix}{field.name}"
        if field.name not in content:
            found.add(name)
        elif is_dataclass(value):
            found |= _missing(value, content[field.name], f"{name}.")
    return found
