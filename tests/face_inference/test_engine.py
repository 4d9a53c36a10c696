from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from face_inference.channels import Channels
from face_inference.engine_choice import create_engine
from face_inference.errors import EngineError
from face_inference.inputs import input_size
from face_inference.model_folder import Graph, Model, StateTensor
from face_inference.onnx_engine import OnnxEngine


@pytest.fixture
def inputs(mounts):
    return np.random.default_rng(0).normal(size=(40, input_size(Channels.of(mounts)))).astype(np.float32)


def run(engine, inputs):
    return np.stack([np.concatenate(engine.step(x)) for x in inputs])


def test_auto_says_what_was_chosen(trained):
    engine, announcement = create_engine(trained["model"], "auto")
    assert "tiny 1.2.3 runs on ONNX Runtime" in announcement
    assert "automatic choice" in announcement
    assert engine.description in announcement
    assert "asked for" in create_engine(trained["model"], "onnxruntime")[1]


def test_an_unknown_engine_is_refused(trained):
    with pytest.raises(EngineError, match="expected engine to be one of auto, onnxruntime, found 'abacus'"):
        create_engine(trained["model"], "abacus")


def test_saved_and_restored_equals_uninterrupted(trained, inputs):
    whole = run(OnnxEngine(trained["model"]), inputs)
    first, second = OnnxEngine(trained["model"]), OnnxEngine(trained["model"])
    head = run(first, inputs[:17])
    state = first.save_state()
    run(first, inputs[:5])  # must not reach into the saved copy
    second.restore_state(state)
    np.testing.assert_array_equal(np.concatenate([head, run(second, inputs[17:])]), whole)


def test_a_new_engine_and_a_reset_engine_are_equal_and_state_matters(trained, inputs):
    engine = OnnxEngine(trained["model"])
    fresh = run(engine, inputs)
    warm = run(engine, inputs)
    engine.reset()
    np.testing.assert_array_equal(run(engine, inputs), fresh)
    assert np.abs(warm - fresh).max() > 1e-5


def test_a_state_of_another_model_is_refused(trained):
    with pytest.raises(EngineError, match="the same model saved"):
        OnnxEngine(trained["model"]).restore_state((np.zeros((1, 1, 3), dtype=np.float32),))


def test_a_graph_whose_tensors_are_not_those_described_is_refused(trained):
    model = trained["model"]
    wrong = Graph("inputs", "weights", "confidence", (StateTensor("state", "next_state", (1, 1, 3)),))
    with pytest.raises(EngineError, match="expected float32 inputs"):
        OnnxEngine(replace(model, description=replace(model.description, graph=wrong)))
    renamed = replace(model.description.graph, weights="blendshapes")
    with pytest.raises(EngineError, match="expected float32 outputs"):
        OnnxEngine(replace(model, description=replace(model.description, graph=renamed)))


def test_a_file_that_is_no_network_is_refused(trained, tmp_path):
    folder = shutil.copytree(trained["model"].path, tmp_path / "broken")
    (folder / "model.onnx").write_bytes(b"no network")
    with pytest.raises(EngineError, match="can load"):
        OnnxEngine(Model(folder, trained["model"].description))
