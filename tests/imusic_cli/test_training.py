from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="training needs PyTorch, running does not")
pytest.importorskip("onnx", reason="export needs the package onnx, running does not")

from face_inference.errors import TrainingError
from face_inference.training.config import load_train_config, train_config_from
from face_model.recording import Recording
from face_model.share import share_dir
from imusic_cli.training import make_takes, plan_from


def test_the_shipped_plan_can_be_read():
    plan = plan_from(load_train_config(share_dir() / "config" / "train.yaml"))
    assert plan.generated_wearers > 0
    assert set(plan.recorded).isdisjoint(plan.held_out)


def test_an_unknown_key_of_the_plan_is_refused():
    with pytest.raises(TrainingError, match="found wearerz"):
        plan_from(train_config_from({"data": {"wearerz": 3}}))


def test_takes_are_made_once_and_without_recorded_motion_where_there_is_none(tmp_path):
    config = train_config_from({"data": {"generated_wearers": 2, "generated_s": 4.0, "validation_wearers": 1}})
    lines = []
    takes = make_takes(config, tmp_path / "nothing", tmp_path / "takes", 1, lambda share, line: lines.append(line))
    assert (len(takes.training), len(takes.validation), len(takes.held_out)) == (2, 1, 0)
    people = {Recording.load(path).person for path in (*takes.training, *takes.validation)}
    assert len(people) == 3, "validation people are others"
    assert len(lines) == 3
    again = make_takes(config, None, tmp_path / "takes", 1, lambda share, line: lines.append(line))
    assert again == takes
    assert len(lines) == 3
