"""From a configuration, or a model folder, to a network."""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load_file

from face_inference.errors import ModelFolderError
from face_inference.model_folder import WEIGHTS, Model
from face_training.networks.base import FaceNetwork
from face_training.networks.config import NetworkConfig
from face_training.networks.diffusion_network import DiffusionNetwork
from face_training.networks.gru import GruNetwork
from face_training.networks.regression import TransformerNetwork
from face_training.networks.ridge import RidgeNetwork
from face_training.networks.tcn import TcnNetwork

_NETWORKS: dict[str, type[FaceNetwork]] = {
    "diffusion": DiffusionNetwork,
    "transformer": TransformerNetwork,
    "gru": GruNetwork,
    "tcn": TcnNetwork,
    "ridge": RidgeNetwork,
}


def build_network(config: NetworkConfig) -> FaceNetwork:
    """A network with random weights and neutral buffers; `torch.manual_seed` decides the weights."""
    return _NETWORKS[config.architecture](config)


def load_network(model: Model) -> FaceNetwork:
    """Build what `model.yaml` describes and fill in its weights; in evaluation mode.

    Raises:
        ModelFolderError: the weights are not those of the network described.
        InferenceError: the description fits no network.
    """
    path = model.file(WEIGHTS)
    try:
        network = build_network(NetworkConfig(**model.description.network))
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, TypeError) as error:
        raise ModelFolderError(f"expected the weights of the network described in {path}, found {error}") from error
    network.eval()
    return network
