"""Small synthetic takes with exact geometry: the simulator's room is not needed to test this one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from face_dataset.shards import ShardedDataset, store_recordings
from face_inference.channels import Channels
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.model_folder import ModelDescription
from face_inference.mounts import NominalMounts
from face_inference.network_inputs import input_size
from face_inference.wearer.prior import Prior
from face_model import arkit, rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.recording import Recording

NAMES = ("skull", "brow_left", "brow_right", "cheek_left", "cheek_right", "chin")
RATE_HZ = 100.0


def _mounts() -> NominalMounts:
    """Symmetric about the midplane: the right sensors are the left ones' mirror images."""
    left = np.array([[0.09, 0.03, 0.05], [0.08, 0.04, -0.03]])
    turn = rotation.normalise(np.array([[0.1, 0.6, 0.2, 0.7], [0.3, 0.6, 0.1, 0.7]]))
    flip, mirror = np.array([1.0, -1.0, 1.0]), np.array([-1.0, 1.0, -1.0, 1.0])
    position = [[-0.02, 0.07, -0.03], left[0], left[0] * flip, left[1], left[1] * flip, [0.09, 0.0, -0.09]]
    chin = rotation.normalise(np.array([0.0, 0.7, 0.0, 0.7]))
    orientation = [[-0.5, -0.5, -0.5, 0.5], turn[0], turn[0] * mirror, turn[1], turn[1] * mirror, chin]
    return NominalMounts(NAMES, 0, np.array(orientation), np.array(position))


@pytest.fixture(scope="session")
def mounts() -> NominalMounts:
    return _mounts()


@pytest.fixture(scope="session")
def prior() -> Prior:
    """Made up, for the channels of `mounts`."""
    rng, channels = np.random.default_rng(1), 3 * (len(NAMES) - 1)
    shape = (channels, arkit.COUNT)
    return Prior(
        mean=rng.normal(0.0, 0.06, shape).astype(np.float32),
        # Values that survive a file, which keeps factors in half precision.
        factors=rng.normal(0.0, 0.02, (4, *shape)).astype(np.float16).astype(np.float32),
        spread=np.full(shape, 0.02, dtype=np.float32),
        noise=(np.eye(channels) * 0.01**2).astype(np.float32),
        weights_mean=np.full(arkit.COUNT, 0.05, dtype=np.float32),
        weights_covariance=(np.eye(arkit.COUNT) * 0.15**2).astype(np.float32),
    )


@pytest.fixture(scope="session")
def description(mounts: NominalMounts, prior: Prior) -> ModelDescription:
    """Of a model whose network is made up too."""
    return ModelDescription("echo", "0", RATE_HZ, mounts, {}, (), {}, prior)


class EstimateEngine:
    """Publishes the linear estimate it is fed, and its deviation as confidence: tests see what the tracker knows."""

    description = "estimate"
    faces = 1

    def __init__(self) -> None:
        self.inputs = np.zeros((1, input_size(Channels.of(_mounts()))), np.float32)

    def step(self, active: np.ndarray | None = None) -> EngineOutput:
        return EngineOutput(self.inputs[:, -104:-52].copy(), self.inputs[:, -52:].copy())

    def reset(self, face: int = 0) -> None:
        pass

    def save_state(self, face: int = 0) -> EngineState:
        return EngineState(0, ())

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def estimate_engine() -> EstimateEngine:
    return EstimateEngine()


def make_recording(
    seed: int = 0,
    seconds: float = 8.0,
    person: str = "one",
    rate_hz: float = RATE_HZ,
    head: float = 0.3,
    face: float = 1.0,
    still_s: float = 2.5,
) -> Recording:
    """A take that begins still and neutral.

    Head orientation, board rotations and weights are analytic sums of sines, so a take at another rate is the same
    motion; angular velocity is exact to second order, specific force is gravity plus the Euler and centripetal terms.
    """
    mounts, rng = _mounts(), np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    sensors = len(NAMES)
    frequency, phase = rng.uniform(0.3, 1.2, (arkit.COUNT, 1)), rng.uniform(0.0, 6.3, (arkit.COUNT, 1))
    head_frequency = rng.uniform(0.3, 0.8, (3, 1))
    gain = np.random.default_rng(99).normal(0.0, 0.08, (sensors, arkit.COUNT, 3))  # one anatomy for every take
    gain[0] = 0.0

    def pose(t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rise = np.clip((t - still_s) / 1.0, 0.0, 1.0) ** 2
        weights = (face * rise * (0.5 - 0.5 * np.cos(frequency * t + phase))).T  # (T, 52)
        turn = rotation.from_vector((head * rise * np.sin(head_frequency * t)).T)  # (T, 4)
        skin = rotation.from_vector(np.einsum("tw,swi->tsi", weights, gain))
        return weights, turn, rotation.multiply(turn[:, None], rotation.multiply(skin, mounts.orientation[None]))

    step = 1e-4
    weights, turn, orientation = pose(time_s)
    _, turn_after, after = pose(time_s + step)
    _, turn_before, before = pose(time_s - step)

    def rate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return rotation.to_vector(rotation.multiply(rotation.conjugate(a), b)) / (2 * step)

    omega = rate(turn_before, turn_after)  # head rate in face_head
    alpha = np.gradient(omega, 1.0 / rate_hz, axis=0)
    arm = np.broadcast_to(mounts.position_m, (len(time_s), sensors, 3))
    up = rotation.rotate(rotation.conjugate(turn), np.broadcast_to([0.0, 0.0, GRAVITY_M_S2], (len(time_s), 3)))
    wide = np.broadcast_to(omega[:, None], arm.shape)
    force = up[:, None] + rotation.cross(np.broadcast_to(alpha[:, None], arm.shape), arm)
    force = force + rotation.cross(wide, rotation.cross(wide, arm))
    board = rotation.multiply(rotation.conjugate(turn)[:, None], orientation)
    heading = rotation.from_vector(np.outer(rng.uniform(-3.0, 3.0, sensors), [0.0, 0.0, 1.0]))
    return Recording(
        person=person,
        take=f"{person}_{seed}",
        rate_hz=rate_hz,
        sensor_names=NAMES,
        orientation=rotation.multiply(heading[None], orientation).astype(np.float32),
        angular_velocity=rate(before, after).astype(np.float32),
        specific_force=rotation.rotate(rotation.conjugate(board), force).astype(np.float32),
        valid=np.ones((len(time_s), sensors), dtype=bool),
        weights=weights.astype(np.float32),
        head_orientation=turn.astype(np.float32),
    )


@pytest.fixture(scope="session")
def recorded() -> Callable[..., Recording]:
    return make_recording


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A tiny real training: network, model, config, dataset, data. Needs PyTorch."""
    pytest.importorskip("torch", reason="training needs PyTorch, running does not")
    pytest.importorskip("onnx", reason="export needs the package onnx, running does not")
    from face_inference.model_folder import load_model
    from face_training.config import train_config_from
    from face_training.model_writing import write_model
    from face_training.stages import train_network
    from face_training.temperature import fit_temperature
    from face_training.training_data import load_dataset

    people = enumerate(("ann", "bob", "cleo"))
    folder = tmp_path_factory.mktemp("takes")
    store_recordings(folder, ((make_recording(seed=s, seconds=6.0, person=p), "train") for s, p in people))
    data = ShardedDataset.open(folder)
    config = train_config_from(
        {
            "name": "tiny",
            "version": "1.2.3",
            "network": {"architecture": "gru", "width": 24},
            "stage_1": {"steps": 40, "batch": 4, "chunk_s": 0.5, "warm_up_steps": 5, "learning_rate": 5e-3},
            "validation_share": 0.3,
            "augment": {"noise": 0.01},
        }
    )
    mounts = _mounts()
    run_dir = tmp_path_factory.mktemp("run")
    dataset = load_dataset(config, data, mounts, run_dir / "features")
    network = train_network(config, dataset, run_dir)["stage_1"]
    confidence = fit_temperature(network, dataset.validation)
    models = tmp_path_factory.mktemp("models")
    write_model(
        network, mounts, config, models / "tiny", {"takes": 3}, {"data": "synthetic"}, {"confidence": confidence},
        dataset.prior,
    )  # fmt: skip
    return {
        "network": network,
        "model": load_model(models / "tiny"),
        "config": config,
        "dataset": dataset,
        "data": data,
    }
