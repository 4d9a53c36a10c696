"""The stages of a training, one after another: each begins where the one before it ended."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from face_inference.errors import InferenceError
from face_inference.model_folder import load_model
from face_inference.network_inputs import input_block
from face_model.rig import FaceRig
from face_training.config import DistilConfig, StageConfig, TrainConfig
from face_training.distil import Distillation
from face_training.distributed import ALONE, Processes
from face_training.geometry import face_geometry
from face_training.loop import Progress, StageTrainer, StageWork
from face_training.loss import FaceLoss
from face_training.networks import FaceNetwork, build_network, fit_statistics
from face_training.networks.network_building import load_network
from face_training.networks.ridge import RidgeNetwork
from face_training.run_folder import RunFolder
from face_training.training_data import Dataset

_STATISTICS_CHUNKS = 128
"""Chunks from which normaliser and scales are taken; at 1.6 s each, over three minutes of everybody."""

_STATISTICS_SEED = 0x57A7


def train_network(
    config: TrainConfig,
    dataset: Dataset,
    run_dir: Path,
    rigs: Sequence[FaceRig] = (),
    processes: Processes = ALONE,
    progress: Progress | None = None,
    stop_after: int | None = None,
    data_set: Mapping[str, Any] | None = None,
) -> dict[str, FaceNetwork]:
    """Train, or go on training what `run_dir` holds.

    Args:
        config: what to do.
        dataset: takes.
        run_dir: gets the record of what was trained on what, the log, the curves and the checkpoints.
        rigs: faces of the geometric losses.
        processes: that train together.
        progress: called now and then.
        stop_after: stop after so many steps over all stages as if interrupted, with a checkpoint.
        data_set: where the data came from, for the record.

    Returns:
        The network after each stage that was begun, by the stage's name, in order; the last is the result.

    Raises:
        InferenceError: `run_dir` holds a run of another configuration or other data, a stage has no takes or no face,
            or the loss is no longer finite.
    """
    torch.set_num_threads(config.threads)
    run = RunFolder(run_dir, writes=processes.first)
    identity = {"config": config.to_dict(), "data_sha256": dataset.sha256}
    facts = {"data_set": dict(data_set or {}), "processes": processes.count, "device": processes.device.type}
    run.open(identity, facts)
    network, done, total = initial_network(config, dataset).to(processes.device), 0, _total(config)
    trained: dict[str, FaceNetwork] = {}
    for name, stage in config.stages.items():
        if stop_after is not None and done >= stop_after:
            break
        work = StageWork(name, stage, config, dataset, run, processes)
        end = stage.steps if stop_after is None else min(stage.steps, stop_after - done)
        report = _reporter(name, stage, done, total, progress if processes.first else None)
        network = trained[name] = _train_stage(work, network, rigs, end, report)
        done += stage.steps
        processes.wait()  # the next stage may read what the first process wrote
    return {name: found.eval() for name, found in trained.items()}


def initial_network(config: TrainConfig, dataset: Dataset) -> FaceNetwork:
    """A network with random weights whose buffers know the data; the same in every process."""
    if config.start:
        return _started(config)
    rng = np.random.default_rng([config.seed, _STATISTICS_SEED])
    arrays = dataset.chunks(rng, _STATISTICS_CHUNKS, config.chunk)
    inputs, truth = (torch.from_numpy(array).flatten(0, 1) for array in arrays)
    torch.manual_seed(config.seed)
    network = build_network(replace(config.network, inputs=inputs.shape[-1]))
    for block in config.ablation:
        network.input_gate[input_block(dataset.channels, block)] = 0.0
    fit_statistics(network, inputs, truth)
    return network


def _started(config: TrainConfig) -> FaceNetwork:
    """The network of `config.start`, with the statistics that it was trained with, as a teacher of several steps.

    Raises:
        ModelFolderError: there is no such model.
        InferenceError: its network has other sizes than the configuration asks for.
    """
    model = load_model(config.start)
    trained = load_network(model)
    wanted = replace(config.network, inputs=trained.config.inputs, steps=trained.config.steps)
    if trained.config != replace(wanted, dropout=trained.config.dropout):
        raise InferenceError(
            f"expected {config.start} to have a network of {wanted}, found {trained.config}; change one of them"
        )
    network = build_network(replace(wanted, steps=config.network.steps))
    network.load_state_dict(trained.state_dict())
    network.log_temperature.zero_()
    return network


def _train_stage(
    work: StageWork,
    network: FaceNetwork,
    rigs: Sequence[FaceRig],
    end: int,
    progress: Callable[[int, float], None] | None,
) -> FaceNetwork:
    """The stage's result; `network`, with which it begins, stays as it is."""
    stage = work.stage
    if isinstance(network, RidgeNetwork):
        return _fit_ridge(work, copy.deepcopy(network))
    geometry = face_geometry(rigs) if stage.geometric else None
    loss = FaceLoss(stage, work.config.hidden_weight, geometry)
    if isinstance(stage, DistilConfig):
        distillation = Distillation(network, stage.teacher_share, stage.estimate_share)
        trainer = StageTrainer(work, distillation.student, distillation, loss)
    else:
        trained = copy.deepcopy(network)
        trainer = StageTrainer(work, trained, trained.training_prediction, loss)
    trainer.run(end, progress)
    return trainer.averaged


def _fit_ridge(work: StageWork, network: RidgeNetwork) -> RidgeNetwork:
    """Ridge regression has a solution in closed form: its steps are batches, its weight decay the penalty."""
    ticks = work.config.ticks(work.stage)
    stage = work.stage
    batches = (work.dataset.chunks(work.rng(i, 0), stage.batch, ticks, stage.sources) for i in range(stage.steps))
    network.fit(((torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches), work.config.weight_decay)
    work.run.save(work.name, {"averaged": network.state_dict(), "step": work.stage.steps})
    return network


def _reporter(
    name: str, stage: StageConfig, done: int, total: int, progress: Progress | None
) -> Callable[[int, float], None] | None:
    if progress is None:
        return None

    def report(step: int, loss: float) -> None:
        progress((done + step) / total, f"{name}: step {step} of {stage.steps}, loss {loss:.4f}")

    return report


def _total(config: TrainConfig) -> int:
    return sum(stage.steps for stage in config.stages.values())
