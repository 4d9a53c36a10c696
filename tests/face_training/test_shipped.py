from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs PyTorch, running does not")
pytest.importorskip("onnx", reason="export needs the package onnx, running does not")

from face_dataset import load_recipe
from face_inference.errors import InferenceError
from face_training.config import load_train_config, train_config_from
from face_training.run_folder import LOG
from face_training.shipped import SHIPPED, data_of, train_shipped_model
from imu_sim.errors import RecipeError

RECIPE = """
name: tiny
takes:
  a: {split: train, wearers: 2, generated: {seconds: [4.0, 4.0]}, routine: true}
  b: {split: validation, wearers: 1, generated: {seconds: [4.0, 4.0]}}
  c: {split: test, wearers: 1, generated: {seconds: [4.0, 4.0]}, routine: true}
"""
CONFIG = """
name: tiny
population_people: 8
made_up_wearers: 1
network: {architecture: gru, width: 16}
stage_1: {steps: 1, batch: 2, chunk_s: 0.5}
stage_2: {steps: 1, batch: 2, chunk_s: 0.5, surface_weight: 1.0}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    return path


def test_the_shipped_configuration_names_a_recipe_of_its_rate() -> None:
    config = load_train_config(SHIPPED)
    assert load_recipe(config.data).hub.rate_hz == config.rate_hz


def test_from_a_recipe_to_a_scored_model_in_two_steps(recipe: Path, tmp_path: Path) -> None:
    config = tmp_path / "train.yaml"
    config.write_text(CONFIG + f"data: {recipe}\n")
    lines: list[str] = []
    done = train_shipped_model(
        config, None, tmp_path / "work", tmp_path / "models", 0, lambda share, line: lines.append(line)
    )
    assert done is not None
    told = done.model.description.training
    assert (told["people"], told["validation_people"], told["held_out"]) == (2, 1, ["generated"])
    assert len((tmp_path / "work" / "run" / LOG).read_text().splitlines()) == 2
    assert set(done.evaluations) == {"neutral", "routine"}
    assert all(len(found.people) == 1 for found in done.evaluations.values())
    assert [line for line in lines if "simulating" in line]
    # Again: data, features and checkpoint are there.
    lines.clear()
    again = train_shipped_model(
        config, None, tmp_path / "work", tmp_path / "models", 0, lambda share, line: lines.append(line)
    )
    assert again is not None
    assert again.model.description.sha256 == done.model.description.sha256
    assert not lines


def test_a_built_data_set_is_used_as_it_is(recipe: Path, tmp_path: Path) -> None:
    built = data_of(train_config_from({"data": str(recipe)}), None, tmp_path / "built", 0)
    again = data_of(train_config_from({"data": str(tmp_path / "built")}), None, tmp_path / "unused", 0)
    assert again.sha256 == built.sha256
    assert not (tmp_path / "unused").exists()


def test_what_cannot_be_made_is_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match=r"expected a data set of 60.0 Hz, found 100.0 Hz"):
        data_of(train_config_from({"data": str(recipe), "rate_hz": 60.0}), None, tmp_path / "data", 0)
    with pytest.raises(RecipeError, match="shipped names: imusic, small"):
        data_of(train_config_from({"data": "nothing"}), None, tmp_path / "data", 0)
