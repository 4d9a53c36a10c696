"""A stand-in for a trained model: the linear estimate, which needs no training and no PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from face_evaluation import Estimator, trials
from face_evaluation.entrants import EntrantSpec, LinearEntrant, ModelEntrant
from face_evaluation.static_ridge import StaticRidge
from face_evaluation.trials import Contestant
from face_inference.channels import Channels
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.model_folder import ModelDescription
from face_inference.mounts import NominalMounts
from face_inference.network_inputs import estimate_block
from face_inference.wearer.prior import Prior
from face_model import arkit, rotation
from face_model.faces import load_rig
from face_model.layout import load_layout
from face_model.skin import skin_patches


class EstimateEngine:
    """Gives the linear estimate as it is, with one confidence for everything."""

    description = "linear"
    faces = 1

    def __init__(self, block: slice) -> None:
        self._block = block
        self.inputs = np.zeros((1, block.stop + 52), np.float32)

    def step(self, active: np.ndarray | None = None) -> EngineOutput:
        return EngineOutput(self.inputs[:, self._block], np.full((1, 52), 0.6, np.float32))

    def reset(self, face: int = 0) -> None:
        pass

    def save_state(self, face: int = 0) -> EngineState:
        return EngineState(0, ())

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def face_12_description() -> ModelDescription:
    rig, layout = load_rig(), load_layout("face_12")
    mounts = NominalMounts.on_rig(rig, layout)
    _, poses = skin_patches(rig, layout).board_poses(np.concatenate([np.zeros((1, 52)), 0.6 * np.eye(52)]))
    turns = rotation.to_vector(rotation.multiply(poses[1:], rotation.conjugate(poses[:1]))) / 0.6
    mean = turns[:, list(mounts.skin)].reshape(arkit.COUNT, -1).T
    prior = Prior(
        mean=mean.astype(np.float32),
        factors=np.zeros((1, *mean.shape), np.float32),
        spread=(0.3 * np.abs(mean) + 0.01).astype(np.float32),
        noise=np.eye(len(mean), dtype=np.float32) * 4e-4,
        weights_mean=np.full(52, 0.08, np.float32),
        weights_covariance=np.eye(52, dtype=np.float32) * 0.03,
    )
    return ModelDescription("linear", "1", 100.0, mounts, {}, (), {}, prior)


@pytest.fixture
def contestants(face_12_description: ModelDescription, monkeypatch: pytest.MonkeyPatch) -> list[Contestant]:
    description = face_12_description
    block = estimate_block(Channels.of(description.mounts))
    made = {
        "model": ModelEntrant(Estimator(description, EstimateEngine(block))),
        "linear": LinearEntrant(description),
        "ridge": StaticRidge(description.mounts, description.prior),
    }
    monkeypatch.setattr(trials, "entrant_of", lambda spec: made[spec.kind])
    monkeypatch.setattr(trials, "reference_of", lambda _: description.mounts.names[description.mounts.reference])
    monkeypatch.setattr(trials, "_KNOWN", {})
    spec = EntrantSpec("model", "linear")
    return [Contestant(spec, "linear", "neutral"), Contestant(spec, "linear", "routine")]
