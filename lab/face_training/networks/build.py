"""From a configuration to a network."""

from __future__ import annotations

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
