"""Networks from inputs to weights, all behind `FaceNetwork`. PyTorch: for training and as the reference.

Use:
    network = build_network(NetworkConfig(inputs=254))
    fit_statistics(network, inputs, truth)
    mean, log_variance, state = network(chunk, network.initial_state(len(chunk)))
    weights, confidence = published(network, mean, log_variance, chunk)
"""

from face_training.networks.base import FaceNetwork, Prediction, published, standard_deviation
from face_training.networks.config import ARCHITECTURES, NetworkConfig
from face_training.networks.input_statistics import fit_statistics
from face_training.networks.network_building import build_network

__all__ = [
    "ARCHITECTURES",
    "FaceNetwork",
    "NetworkConfig",
    "Prediction",
    "build_network",
    "fit_statistics",
    "published",
    "standard_deviation",
]
