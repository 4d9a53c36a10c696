from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from face_inference.errors import InferenceError
from face_training.distributed import ALONE, Processes, joined_processes
from face_training.loop import StageWork
from face_training.run_folder import RunFolder

PROGRAM = Path(__file__).with_name("small_training.py")


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Run folder of a small training by two real processes."""
    folder = tmp_path_factory.mktemp("together")
    paths = [*(str(Path(__file__).parents[2] / layer) for layer in ("src", "lab")), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*command, str(PROGRAM), str(folder), "0"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_two_processes_end_with_the_same_weights(together):
    first, second = (np.load(together / f"ended_{rank}.npy") for rank in range(2))
    np.testing.assert_array_equal(first, second)


def test_two_processes_see_other_chunks_than_one_and_learn(together, small_run, log_of):
    both, alone = log_of(together), log_of(small_run[0])
    assert len(both) == len(alone) == 38
    assert all(a["loss"] != b["loss"] for a, b in zip(both, alone, strict=True))
    assert np.mean([e["error"] for e in both[25:30]]) < 0.75 * np.mean([e["error"] for e in both[:3]])
    assert json.loads((together / "run.json").read_text())["processes"] == 2


def test_the_loss_of_two_processes_is_the_mean_of_theirs(together, small, log_of):
    """At the first step, where both still have the weights that one process would have."""
    import torch

    from face_training.loss import FaceLoss
    from face_training.stages import initial_network

    config, dataset = small.small_config(), small.SmallDataset()
    loss = FaceLoss(config.stage_1, config.hidden_weight, None)
    found = []
    for rank in range(2):
        network = initial_network(config, dataset).train()
        work = StageWork("stage_1", config.stage_1, config, dataset, RunFolder(together), ALONE)
        rng = work.rng(0, rank)
        torch.manual_seed(int(rng.integers(2**62)))
        inputs, truth = (torch.from_numpy(array) for array in dataset.chunks(rng, 2, 30))
        with torch.no_grad():
            found.append(float(loss(network.training_prediction(inputs, truth, torch.Generator()))[0]))
    assert found[0] != found[1]
    assert log_of(together)[0]["loss"] == pytest.approx(np.mean(found), rel=1e-5)


def test_only_the_first_process_writes(small, tmp_path):
    config = small.small_config()
    other = RunFolder(tmp_path / "run", writes=False)
    other.open({"config": config.to_dict()}, {})
    other.log([{"stage": "stage_1", "step": 0}])
    other.save("stage_1", {"step": 1})
    other.cut_log("stage_1", 0)
    assert not (tmp_path / "run").exists()


def test_a_batch_is_shared_equally_or_refused():
    pair = Processes(1, 2, ALONE.device)
    assert pair.share(32) == 16
    assert not pair.first
    with pytest.raises(InferenceError, match="multiple of the 2 processes, found 5"):
        pair.share(5)


def test_alone_without_torchrun(monkeypatch):
    for name in ("WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    with joined_processes("auto") as processes:
        assert (processes.rank, processes.count) == (0, 1)
        assert processes.first_then_all(lambda: 5) == 5


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InferenceError, match="expected a CUDA device, found none"), joined_processes("cuda"):
        pass
