"""Which motion is evaluated, and how."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from face_inference.model_folder import load_model
from imu_sim.dataset import load_recipe
from imusic_cli.evaluation import evaluate_offline, held_out_takes, motions_of
from imusic_cli.report import evaluation_table

pytestmark = pytest.mark.ros

SHARED = Path(os.environ.get("IMUSIC_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def test_without_files_generated_people_are_played_and_differ() -> None:
    motions = motions_of([], seconds=5.0, people=2)
    assert len({m.person for m in motions}) == 2
    assert not (motions[0].weights[:100] == motions[1].weights[:100]).all()


def test_generated_motion_is_followed() -> None:
    model = load_model("imusic_gru")
    result = evaluate_offline(model, motions_of([], people=1), 1, model.description.rate_hz, lambda _: None)
    assert result.overall.r["jawOpen"] > 0.5
    assert result.overall.lip_mm is not None
    assert evaluation_table(result).row_count > 10


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no recorded motion at {SHARED}")
def test_held_out_takes_are_of_people_the_model_never_saw() -> None:
    model = load_model("imusic_gru")
    takes = held_out_takes(model)
    assert takes
    groups = load_recipe(model.description.training["data"]).takes.values()
    files = [name for g in groups if g.split != "test" and g.recorded is not None for name in g.recorded.files]
    assert files
    trained = {name.split("_")[1] for name in files}
    assert trained.isdisjoint({take.name.split("_")[1] for take in takes})


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no recorded motion at {SHARED}")
def test_the_shipped_model_follows_a_person_it_never_saw() -> None:
    model = load_model("imusic_gru")
    take = next(t for t in held_out_takes(model) if "person_c" in t.name)
    result = evaluate_offline(model, motions_of([take]), 2, model.description.rate_hz, lambda _: None)
    assert result.overall.r["jawOpen"] > 0.7
    assert result.overall.r["mouthSmileLeft"] > 0.7
    assert result.overall.lip_mm is not None
    assert result.overall.rest_lip_mm is not None
    assert result.overall.lip_mm < 0.9 * result.overall.rest_lip_mm
