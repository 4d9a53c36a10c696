"""Real builds by TensorRT for RTX, which needs no GPU for them."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference.engines.tensorrt.build import GRAPHS, BuildProgress, build_engine
from face_inference.errors import EngineError
from face_inference.model_folder import CARRIED, CARRIED_FLOAT16


@pytest.fixture(scope="module")
def graph(trained):
    return trained["model"].file(CARRIED)


def written(tmp_path, nodes, inputs, outputs, domain=""):
    """A small graph; tensors by name and shape."""
    onnx = pytest.importorskip("onnx", reason="writing a graph needs the package onnx")
    from onnx import TensorProto, helper

    edges = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in side.items()]
        for side in (inputs, outputs)
    ]
    domains = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    made = helper.make_graph([helper.make_node(*node[:3], **node[3]) for node in nodes], "small", *edges)
    path = tmp_path / "small.onnx"
    onnx.save(helper.make_model(made, opset_imports=domains, ir_version=8), str(path))
    return path


@pytest.mark.parametrize("precision", GRAPHS)
def test_a_small_network_builds_in_either_precision_and_says_how_far_it_is(rtx, tiny, precision):
    told = []
    built = build_engine(rtx, tiny.file(GRAPHS[precision]), 2, on_progress=lambda share, name: told.append(share))
    assert len(built.payload) > 10_000
    assert built.layers > 10
    assert built.seconds > 0.0
    assert told == sorted(told), "a bar never goes back"
    assert told[-1] == 1.0


@pytest.mark.parametrize("faces", [1, 4])
def test_the_shipped_model_builds_in_half_precision(rtx, shipped, faces):
    built = build_engine(rtx, shipped.file(CARRIED_FLOAT16), faces, ["8.9"])
    weights_bytes = shipped.file("network.safetensors").stat().st_size
    assert len(built.payload) > weights_bytes // 4, "the weights are in it"


def test_an_engine_is_for_the_gpus_asked_for(rtx, graph):
    assert {"8.6", "8.9", "12.0"} <= set(rtx.compute_capabilities)
    one = build_engine(rtx, graph, 1, ["8.9"])
    several = build_engine(rtx, graph, 1, ["8.6", "8.9"])
    assert one.payload != several.payload
    with pytest.raises(EngineError, match=r"builds for \(.*8\.9.*\), found 5\.0"):
        build_engine(rtx, graph, 1, ["8.9", "5.0"])


def test_what_the_builder_refuses_is_told_in_its_words(rtx, graph):
    with pytest.raises(EngineError, match="FP32 GEMM is not supported"):
        build_engine(rtx, graph, 1, ["7.5"])


def test_an_operator_that_is_not_supported_is_named(rtx, tmp_path):
    nodes = [("Blink", ["x"], ["y"], {"domain": "nobody.knows"})]
    path = written(tmp_path, nodes, {"x": ["faces", 4]}, {"y": ["faces", 4]}, domain="nobody.knows")
    with pytest.raises(EngineError, match="Blink"):
        build_engine(rtx, path, 1)


def test_a_shape_that_stays_open_is_refused(rtx, tmp_path):
    nodes = [("Relu", ["x"], ["y"], {})]
    path = written(tmp_path, nodes, {"x": ["faces", "ticks"]}, {"y": ["faces", "ticks"]})
    with pytest.raises(EngineError, match="expected fixed shapes but for the faces, found x"):
        build_engine(rtx, path, 3)


def test_a_graph_without_its_weights_is_refused(rtx, graph, tmp_path):
    alone = shutil.copy(graph, tmp_path / CARRIED)
    with pytest.raises(EngineError, match=r"network\.safetensors"):
        build_engine(rtx, alone, 1)


@pytest.mark.parametrize("content", [b"", b"no graph", bytes(1000)])
def test_a_file_that_is_no_graph_is_refused(rtx, tmp_path, content):
    path = tmp_path / CARRIED
    path.write_bytes(content)
    with pytest.raises(EngineError, match="expected TensorRT for RTX"):
        build_engine(rtx, path, 1)


def test_a_missing_graph_and_no_face_are_refused(rtx, graph, tmp_path):
    with pytest.raises(EngineError, match="found none; fetch the whole model folder"):
        build_engine(rtx, tmp_path / CARRIED, 1)
    with pytest.raises(EngineError, match="at least one face, found 0"):
        build_engine(rtx, graph, 0)


def test_an_interrupted_build_stops_and_the_interruption_goes_on(rtx, graph):
    def interrupt(share, name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_engine(rtx, graph, 1, on_progress=interrupt)
    assert build_engine(rtx, graph, 1).payload


phases = st.recursive(st.just([]), lambda inner: st.lists(st.lists(inner, max_size=2), max_size=4), max_leaves=20)


@given(phases)
def test_progress_only_grows_and_ends_at_one(tree):
    """Each phase is a list of steps, each step a list of phases within it."""
    told = []
    progress = BuildProgress(lambda share, name: told.append(share))
    names = iter(range(10_000))

    def walk(steps):
        name = f"phase {next(names)}"
        progress.start(name, len(steps))
        for i, step in enumerate(steps):
            for inner in step:
                walk(inner)
            assert progress.step(name, i)
        progress.finish(name)

    walk(tree)
    assert told == sorted(told)
    assert all(0.0 <= share <= 1.0 for share in told)
    assert told[-1] == 1.0
