"""The exported step graph against PyTorch, for each architecture."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")
onnx = pytest.importorskip("onnx", reason="export needs the package onnx, running does not")
onnxruntime = pytest.importorskip("onnxruntime", reason="running needs ONNX Runtime")

import numpy as np  # noqa: E402

from face_inference.channels import Channels  # noqa: E402
from face_inference.inputs import input_size  # noqa: E402
from face_inference.networks import ARCHITECTURES, published  # noqa: E402
from face_inference.onnx_engine import OnnxEngine  # noqa: E402
from face_inference.training.export import export_onnx  # noqa: E402

TICKS = 200
SHAPE_OPERATORS = {"Shape", "ConstantOfShape", "Range", "NonZero", "If", "Loop", "Expand", "Pad"}
"""Engines that plan memory ahead read a graph without them most surely."""

SIMPLE_TYPES = {onnx.TensorProto.FLOAT}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_exported_step_equals_the_network_over_a_stream(make, tmp_path, architecture):
    network = make(architecture)
    network.novelty_limit.fill_(0.9)  # so that novelty has its say
    graph = export_onnx(network, tmp_path / "step.onnx")
    inputs = torch.randn(1, TICKS, 130, generator=torch.Generator().manual_seed(1))
    inputs[:, 40:60, :20] = 0.0  # a sensor drops out
    with torch.no_grad():
        mean, log_variance, _ = network(inputs, network.initial_state(1))
        weights, confidence = published(network, mean, log_variance, inputs)
    session = onnxruntime.InferenceSession(str(tmp_path / "step.onnx"), providers=["CPUExecutionProvider"])
    names = [graph.weights, graph.confidence, *(s.output for s in graph.states)]
    state = [np.zeros(s.shape, dtype=np.float32) for s in graph.states]
    for tick in range(TICKS):
        fed = {s.input: value for s, value in zip(graph.states, state, strict=True)}
        found, sure, *state = session.run(names, {graph.inputs: inputs[:, tick].numpy(), **fed})
        np.testing.assert_allclose(found[0], weights[0, tick], atol=1e-4)
        np.testing.assert_allclose(sure[0], confidence[0, tick], atol=1e-4)
    assert architecture == "ridge" or float(weights.std(dim=1).max()) > 0.01, "a constant would make this test empty"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_graph_has_only_static_float32_tensors_at_its_edges_and_is_the_same_each_time(make, tmp_path, architecture):
    network = make(architecture)
    graph = export_onnx(network, tmp_path / "one.onnx")
    export_onnx(network, tmp_path / "two.onnx")
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    model = onnx.load(str(tmp_path / "one.onnx"))
    edges = {e.name: e.type.tensor_type for e in (*model.graph.input, *model.graph.output)}
    shapes = {name: tuple(d.dim_value for d in tensor.shape.dim) for name, tensor in edges.items()}
    expected = {graph.inputs: (1, 130), graph.weights: (1, 52), graph.confidence: (1, 52)}
    expected |= {s.input: s.shape for s in graph.states} | {s.output: s.shape for s in graph.states}
    assert shapes == expected
    assert {tensor.elem_type for tensor in edges.values()} == SIMPLE_TYPES
    assert not SHAPE_OPERATORS & {node.op_type for node in model.graph.node}
    assert model.opset_import[0].version == 17


@pytest.mark.parametrize("architecture", ["diffusion", "ridge"])
def test_the_engine_carries_any_number_of_states_and_saves_and_restores_them(make, mounts, tmp_path, architecture):
    size = input_size(Channels.of(mounts))
    network = make(architecture, inputs=size)
    graph = export_onnx(network, tmp_path / "step.onnx")
    model = SimpleNamespace(onnx_path=tmp_path / "step.onnx", description=SimpleNamespace(graph=graph, mounts=mounts))
    inputs = torch.randn(1, 40, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        mean, log_variance, _ = network(inputs, network.initial_state(1))
        weights, confidence = published(network, mean, log_variance, inputs)
    engine, state = OnnxEngine(model), ()
    for tick in range(40):
        if tick == 17:
            state, engine = engine.save_state(), OnnxEngine(model)
            engine.restore_state(state)
        found = engine.step(inputs[0, tick].numpy())
        np.testing.assert_allclose(found.weights, weights[0, tick], atol=1e-4)
        np.testing.assert_allclose(found.confidence, confidence[0, tick], atol=1e-4)
    assert len(state) == len(graph.states)
