"""The exported graphs against PyTorch, for each architecture."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")
onnx = pytest.importorskip("onnx", reason="export needs the package onnx, running does not")
onnxruntime = pytest.importorskip("onnxruntime", reason="running needs ONNX Runtime")

import numpy as np  # noqa: E402

from face_inference.engines.host import RingState  # noqa: E402
from face_inference.model_folder import CARRIED, CARRIED_FLOAT16, STEP, WEIGHTS, WINDOW  # noqa: E402
from face_training.graphs import export_graphs  # noqa: E402
from face_training.networks import ARCHITECTURES, diffusion_network, published  # noqa: E402

TICKS = 200
SHAPE_OPERATORS = {"Shape", "ConstantOfShape", "Range", "NonZero", "If", "Loop", "Expand", "Pad"}
"""Engines that plan memory ahead read a graph without them most surely."""

architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)


def stream(faces=1):
    inputs = torch.randn(faces, TICKS, 130, generator=torch.Generator().manual_seed(1))
    inputs[:, 40:60, :20] = 0.0  # a sensor drops out
    return inputs


def expected(network, inputs):
    with torch.no_grad():
        mean, log_variance, _ = network(inputs, network.initial_state(len(inputs)))
        return [x.numpy() for x in published(network, mean, log_variance, inputs)]


def opened(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@architectures
@pytest.mark.parametrize("graph", [STEP, CARRIED])
def test_a_stream_of_steps_equals_the_network(make, tmp_path, architecture, graph):
    network = make(architecture)
    network.novelty_limit.fill_(0.9)  # so that novelty has its say
    shapes = export_graphs(network, tmp_path)
    inputs = stream(faces=2)
    weights, confidence = expected(network, inputs)
    rings, session = RingState(shapes, 2), opened(tmp_path / graph)
    outputs = ["weights", "confidence", *(f"next_{r.name}" for r in shapes)]
    for tick in range(TICKS):
        given = {"inputs": inputs[:, tick].numpy(), "ticks": rings.ticks}
        given |= dict(zip((r.name for r in shapes), rings.arrays, strict=True))
        found, sure, *following = session.run(outputs, given)
        np.testing.assert_allclose(found, weights[:, tick], atol=1e-4)
        np.testing.assert_allclose(sure, confidence[:, tick], atol=1e-4)
        if graph == STEP:
            rings.write(np.arange(2), following)
        else:
            rings.arrays = following
        rings.advance(slice(None))
    assert architecture == "ridge" or float(weights.std(axis=1).max()) > 0.01, "a constant would make this test empty"


@architectures
def test_half_products_change_little(make, tmp_path, architecture):
    network = make(architecture)
    shapes = export_graphs(network, tmp_path)
    inputs = stream()[:, 0].numpy()
    rings = RingState(shapes, 1)
    given = {"inputs": inputs, "ticks": rings.ticks}
    given |= {r.name: a for r, a in zip(shapes, rings.arrays, strict=True)}
    whole, half = (opened(tmp_path / graph).run(["weights"], given)[0] for graph in (CARRIED, CARRIED_FLOAT16))
    assert 0.0 < np.abs(whole - half).max() < 5e-3
    model = onnx.load(str(tmp_path / CARRIED_FLOAT16), load_external_data=False)
    assert {t.type.tensor_type.elem_type for t in (*model.graph.input, *model.graph.output)} == {onnx.TensorProto.FLOAT}


@pytest.mark.parametrize("architecture", ["diffusion", "transformer"])
def test_the_window_tells_what_a_stream_tells(make, tmp_path, architecture, monkeypatch):
    monkeypatch.setattr(diffusion_network, "CARRIED", 0.0)  # the stream goes on from what it published; no window can
    network = make(architecture)
    export_graphs(network, tmp_path)
    inputs = stream(faces=3)
    weights, confidence = expected(network, inputs)
    window = inputs[:, -network.window_ticks :].numpy()
    assert window.shape[1] == 1 + 2 * 8 + (3 if architecture == "diffusion" else 0)
    found, sure = opened(tmp_path / WINDOW).run(["weights", "confidence"], {"inputs": window})
    np.testing.assert_allclose(found, weights[:, -1], atol=1e-4)
    np.testing.assert_allclose(sure, confidence[:, -1], atol=1e-4)


@architectures
def test_graphs_are_fixed_but_for_the_faces_share_their_weights_and_are_the_same_each_time(
    make, tmp_path, architecture
):
    network, folders = make(architecture), [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        shapes = export_graphs(network, folder)
    for name in (WEIGHTS, STEP, CARRIED, CARRIED_FLOAT16, WINDOW):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    model = onnx.load(str(folders[0] / STEP), load_external_data=False)
    edges = {e.name: e.type.tensor_type for e in (*model.graph.input, *model.graph.output)}
    found = {name: tuple(d.dim_param or d.dim_value for d in tensor.shape.dim) for name, tensor in edges.items()}
    wanted = {"inputs": ("faces", 130), "ticks": ("faces", 1), "weights": ("faces", 52), "confidence": ("faces", 52)}
    wanted |= {r.name: ("faces", r.length, r.width) for r in shapes}
    assert found == wanted | {f"next_{r.name}": ("faces", r.width) for r in shapes}
    assert {tensor.elem_type for tensor in edges.values()} == {onnx.TensorProto.FLOAT}
    assert not SHAPE_OPERATORS & {node.op_type for node in model.graph.node}
    assert model.opset_import[0].version == 17
    inline = [t for t in model.graph.initializer if t.data_location != onnx.TensorProto.EXTERNAL]
    assert sum(np.prod(t.dims) for t in inline) < 100, "weights are in their own file"
    assert not model.graph.initializer or {e.value for e in model.graph.initializer[0].external_data} >= {WEIGHTS}
