"""From a configuration to a network."""

from __future__ import annotations

from face_inference.networks.base import FaceNetwork
from face_inference.networks.config import NetworkConfig
from face_inference.networks.diffusion_network import DiffusionNetwork
from face_inference.networks.gru import GruNetwork
from face_inference.networks.regression import TransformerNetwork
from face_inference.networks.ridge import RidgeNetwork
from face_inference.networks.tcn import TcnNetwork

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
