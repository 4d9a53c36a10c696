from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from face_inference.errors import InferenceError
from face_training.config import StageConfig
from face_training.loop import learning_rate
from face_training.networks.ridge import RidgeNetwork
from face_training.run_folder import CURVES, LOG, RECORD
from face_training.stages import initial_network, train_network

PROGRAM = Path(__file__).with_name("small_training.py")


def _equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(value, other[name]) for name, value in a.state_dict().items())


def test_training_lowers_the_error_and_each_stage_goes_on_where_the_last_ended(small_run, log_of):
    folder, networks = small_run
    entries = log_of(folder)
    assert list(networks) == ["stage_1", "stage_2"]
    errors = [entry["error"] for entry in entries if entry["stage"] == "stage_1"]
    assert len(errors) == 30
    assert np.mean(errors[-5:]) < 0.75 * np.mean(errors[:3])
    assert entries[30]["stage"] == "stage_2"
    assert entries[30]["error"] < 0.75 * np.mean(errors[:3])
    assert [e["step"] for e in entries if "validation_mae" in e] == [9, 19, 29, 7]
    assert entries[29]["validation_mae"] < entries[9]["validation_mae"]
    assert not _equal(networks["stage_1"], networks["stage_2"])


def test_a_training_can_begin_with_a_models_network(trained):
    config, model = trained["config"], trained["model"]
    begun = initial_network(replace(config, start=str(model.path)), trained["dataset"])
    stays = {name: value for name, value in trained["network"].state_dict().items() if name != "log_temperature"}
    assert all(torch.equal(value, begun.state_dict()[name]) for name, value in stays.items())
    assert not begun.log_temperature.any(), "the confidence is fitted anew"
    with pytest.raises(InferenceError, match="width=8"):
        initial_network(
            replace(config, start=str(model.path), network=replace(config.network, width=8)), trained["dataset"]
        )


@pytest.mark.parametrize("stop", [3, 17, 30, 34])
def test_a_run_that_was_stopped_and_resumed_equals_one_that_was_not(small, small_run, log_of, tmp_path, stop):
    config, dataset = small.small_config(), small.SmallDataset()
    begun = train_network(config, dataset, tmp_path, stop_after=stop)
    assert len(log_of(tmp_path)) == stop
    assert len(begun) == (1 if stop <= 30 else 2)
    resumed = train_network(config, dataset, tmp_path)
    assert log_of(tmp_path) == log_of(small_run[0])
    for stage, network in small_run[1].items():
        assert _equal(network, resumed[stage]), stage


def test_a_run_that_was_killed_and_resumed_equals_one_that_was_not(small, small_run, log_of, tmp_path):
    process = subprocess.Popen([sys.executable, PROGRAM, tmp_path, "0.1"], env=_environment())
    try:
        deadline = time.monotonic() + 120.0
        while not (tmp_path / "stage_1.pt").is_file():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert len(log_of(tmp_path)) < 38, "it was killed too late to test anything"
    with (tmp_path / LOG).open("a") as log:  # as if it had been killed while it wrote of steps after the checkpoint
        log.write(json.dumps(log_of(small_run[0])[29] | {"loss": 1e9}) + "\n" + '{"stage": "stage_1", "st')
    resumed = train_network(small.small_config(), small.SmallDataset(), tmp_path)
    assert log_of(tmp_path) == log_of(small_run[0])
    assert _equal(resumed["stage_2"], small_run[1]["stage_2"])


def test_a_finished_run_is_only_read(small, small_run, tmp_path):
    folder, networks = small_run
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = train_network(small.small_config(), small.SmallDataset(), folder)
    assert all(_equal(again[stage], network) for stage, network in networks.items())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_folder_of_another_run_is_refused(small, small_run):
    folder, config, dataset = small_run[0], small.small_config(), small.SmallDataset()
    with pytest.raises(InferenceError, match="another config"):
        train_network(replace(config, seed=2), dataset, folder)
    with pytest.raises(InferenceError, match="another data_sha256"):
        train_network(config, replace(dataset, sha256="0"), folder)


def test_the_run_folder_says_what_was_trained_on_what_and_shows_it(small_run):
    folder, _ = small_run
    record = json.loads((folder / RECORD).read_text())
    assert record["data_sha256"] == "5a11"
    assert record["config"]["seed"] == 1
    assert record["config"]["stage_1"]["steps"] == 30
    assert {"git_revision", "torch", "processes", "device"} <= set(record)
    assert str(folder) not in (folder / RECORD).read_text()
    assert (folder / CURVES).read_bytes().startswith(b"\x89PNG")
    assert not list(folder.glob("*.part"))


def test_the_student_takes_one_step_and_comes_nearer_to_its_teacher(small, small_diffusion_run):
    networks = small_diffusion_run[1]
    teacher, student = networks["stage_2"], networks["distil"]
    assert (teacher.config.steps, student.config.steps) == (3, 1)
    inputs = torch.from_numpy(small.SmallDataset().validation[0].inputs)[None]

    def told(network: torch.nn.Module) -> torch.Tensor:
        with torch.no_grad():
            return network(inputs, network.initial_state(1))[0]

    untaught = type(student)(student.config)
    untaught.load_state_dict(teacher.state_dict())
    assert (told(student) - told(teacher)).abs().mean() < (told(untaught.eval()) - told(teacher)).abs().mean()


def test_ridge_regression_is_solved_not_descended(small, tmp_path):
    config = small.small_config(
        replace(small.GRU, architecture="ridge"), stage_1=StageConfig(steps=20), stage_2=StageConfig()
    )
    network = train_network(config, small.SmallDataset(), tmp_path)["stage_1"]
    assert isinstance(network, RidgeNetwork)
    take = small.SmallDataset().validation[0]
    mean, _, _ = network(torch.from_numpy(take.inputs)[None], ())
    estimate = take.inputs[:, small.FEATURES : small.FEATURES + 52]
    assert np.abs(mean[0].numpy() - take.weights).mean() < 0.7 * np.abs(estimate - take.weights).mean()


@pytest.mark.parametrize("kind", ["gru", "diffusion"])
def test_mixed_precision_stays_near_single(small, small_run, small_diffusion_run, log_of, tmp_path, kind):
    network, folder = {"gru": (small.GRU, small_run[0]), "diffusion": (small.DIFFUSION, small_diffusion_run[0])}[kind]
    train_network(small.small_config(network, precision="bfloat16"), small.SmallDataset(), tmp_path)
    full, mixed = (np.array([entry["error"] for entry in log_of(path)]) for path in (folder, tmp_path))
    assert not np.array_equal(full, mixed)
    np.testing.assert_allclose(mixed, full, rtol=0.25)


def test_the_average_of_the_weights_is_what_a_stage_ends_with(small, small_run, tmp_path):
    last = train_network(small.small_config(ema_decay=0.0), small.SmallDataset(), tmp_path, stop_after=30)["stage_1"]
    slow = small_run[1]["stage_1"]
    assert not _equal(last, slow)
    saved = torch.load(tmp_path / "stage_1.pt", weights_only=True)
    assert all(torch.equal(saved["averaged"][name], value) for name, value in last.state_dict().items())


def test_a_loss_that_is_not_finite_ends_the_training(small, tmp_path):
    stage = StageConfig(steps=5, batch=4, chunk_s=0.3, learning_rate=1e38)
    with pytest.raises(InferenceError, match="expected a finite loss at step 1 of stage_1"):
        train_network(small.small_config(stage_1=stage), small.SmallDataset(), tmp_path)


def test_the_learning_rate_rises_and_falls():
    stage = StageConfig(steps=100, learning_rate=1.0, warm_up_steps=10)
    rates = [learning_rate(stage, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == pytest.approx(1.0)
    assert np.all(np.diff(rates[10:]) < 0.0)
    assert rates[-1] < 0.001


def _environment() -> dict[str, str]:
    paths = [*(str(Path(__file__).parents[2] / layer) for layer in ("src", "lab")), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
