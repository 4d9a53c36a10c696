"""What a streaming step is compared with: the same network without a memory, and a recurrent network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from face_inference.channels import Channels
from face_inference.engines.onnx_runtime import open_session
from face_inference.errors import EngineError
from face_inference.model_folder import WINDOW, Model
from face_inference.network_inputs import input_size
from imusic_bench.step_timing import Step


def window_step(model: Model, faces: int) -> Step:
    """A step that remembers nothing: the whole window that an answer depends on, for F faces, on ONNX Runtime's CPU.

    Raises:
        EngineError: ONNX Runtime is missing or does not read the graph.
    """
    session, _ = open_session(model, WINDOW, faces)
    (edge,) = session.get_inputs()
    inputs = np.random.default_rng(1).normal(size=(faces, *edge.shape[1:])).astype(np.float32)
    binding = session.io_binding()
    binding.bind_cpu_input(edge.name, inputs)
    for output in session.get_outputs():
        binding.bind_output(output.name)
    return lambda: session.run_with_iobinding(binding)


@contextmanager
def recurrent_model(model: Model) -> Iterator[Model]:
    """A model folder with a network of one gated recurrent layer in place of the model's own, with random weights.

    It is that of `config/train/gru.yaml`, takes the same inputs, and is there to be timed: weights do not matter.

    Raises:
        EngineError: PyTorch or onnx, which write the graph, are missing.
    """
    try:
        from face_training.config import load_train_config
        from face_training.graphs import export_graphs
        from face_training.networks.network_building import build_network
    except ImportError as error:
        raise EngineError(f"expected PyTorch and onnx, found {error}; pip install torch==2.13.0 onnx") from error
    inputs = input_size(Channels.of(model.description.mounts))
    network = build_network(replace(load_train_config("gru").network, inputs=inputs))
    with TemporaryDirectory(prefix="imusic_") as folder:
        rings = export_graphs(network, Path(folder))
        yield Model(Path(folder), replace(model.description, name="gru", rings=rings))
