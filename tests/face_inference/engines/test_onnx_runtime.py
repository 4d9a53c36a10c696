from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.onnx_runtime_gpu import OnnxRuntimeGpuEngine
from face_inference.engines.protocol import EngineState
from face_inference.errors import EngineError
from face_inference.model_folder import STEP, Model, Ring
from face_training.torch_engine import TorchEngine

TICKS, FACES = 40, 3


def on_the_cpu(model, faces=1):
    """What runs on a GPU, without one: the same graph, bindings and turns."""
    return OnnxRuntimeGpuEngine(model, faces, "CPUExecutionProvider")


ENGINES = {"onnxruntime": OnnxRuntimeEngine, "onnxruntime gpu": on_the_cpu, "pytorch": TorchEngine}
engines = pytest.mark.parametrize("create", ENGINES.values(), ids=ENGINES)


@pytest.fixture(scope="module")
def model(trained):
    return trained["model"]


@pytest.fixture(scope="module")
def inputs(model):
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.1, 0.3, (TICKS, FACES, model.description.network["inputs"]))
    return (scale * rng.normal(size=scale.shape)).astype(np.float32)


def run(engine, inputs):
    """(T, I) through a single face."""
    found = []
    for row in inputs:
        engine.inputs[0] = row
        found.append(np.concatenate([part[0] for part in engine.step()]))
    return np.stack(found)


@pytest.fixture(scope="module")
def alone(model, inputs):
    """Each face by itself, (FACES, T, 104)."""
    return [run(OnnxRuntimeEngine(model), inputs[:, face]) for face in range(FACES)]


@engines
def test_every_engine_gives_the_same(model, inputs, alone, create):
    engine = create(model)
    np.testing.assert_allclose(run(engine, inputs[:, 0]), alone[0], atol=1e-5)
    assert "float32" in engine.description
    assert engine.faces == 1


@engines
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 16))
def test_a_face_does_not_depend_on_the_batch_it_is_in(model, inputs, alone, create, seed):
    """Faces come and wait at random; each gives what it gives alone."""
    rng, engine = np.random.default_rng(seed), create(model, FACES)
    at = np.zeros(FACES, dtype=int)
    while (at < TICKS).any():
        active = (rng.random(FACES) < 0.6) & (at < TICKS)
        for face in np.flatnonzero(active):
            engine.inputs[face] = inputs[at[face], face]
        output = engine.step(active)
        for face in np.flatnonzero(active):
            found = np.concatenate([output.weights[face], output.confidence[face]])
            np.testing.assert_allclose(found, alone[face][at[face]], atol=1e-5)
        at += active


@engines
def test_saved_and_restored_equals_uninterrupted_in_any_engine(model, inputs, alone, create):
    engine, other = create(model, 2), OnnxRuntimeEngine(model)
    for tick in inputs[:17, 0]:
        engine.inputs[1] = tick
        engine.step(np.array([False, True]))
    state = engine.save_state(1)
    engine.inputs[1] = inputs[3, 0]
    engine.step()  # must not reach into the saved copy
    other.restore_state(state)
    np.testing.assert_allclose(run(other, inputs[17:, 0]), alone[0][17:], atol=1e-5)
    engine.restore_state(state, 0)
    np.testing.assert_allclose(run(engine, inputs[17:, 0]), alone[0][17:], atol=1e-5)


@engines
def test_a_reset_face_is_new_and_the_others_go_on(model, inputs, alone, create):
    engine = create(model, 2)
    for tick in inputs[:10]:
        engine.inputs[:] = tick[:2]
        engine.step()
    engine.reset(0)
    engine.inputs[:] = inputs[0, 0], inputs[10, 1]
    output = engine.step()
    np.testing.assert_allclose(output.weights[0], alone[0][0, :52], atol=1e-5)
    np.testing.assert_allclose(output.weights[1], alone[1][10, :52], atol=1e-5)
    assert np.abs(alone[0][10] - alone[0][0]).max() > 1e-3, "without a memory this test is empty"


@engines
def test_what_is_not_finite_is_forgotten_by_a_reset(model, inputs, alone, create):
    engine = create(model)
    engine.inputs[0] = np.nan
    engine.step()
    engine.reset()
    np.testing.assert_allclose(run(engine, inputs[:, 0]), alone[0], atol=1e-5)


@engines
def test_ticks_stay_exact_for_ever(model, inputs, create):
    """After a period only remainders count: 40 ticks and 41 periods later the same are given to the graph."""
    engine = create(model)
    for _ in range(3):
        run(engine, inputs[:, 0])
    assert engine.save_state().ticks <= 2 * max(ring.length for ring in model.description.rings)


@engines
def test_a_state_of_another_model_is_refused(model, create):
    with pytest.raises(EngineError, match="the same model saved"):
        create(model).restore_state(EngineState(0, (np.zeros((1, 3), dtype=np.float32),)))


def test_a_graph_whose_tensors_are_not_those_described_is_refused(model):
    for rings in ((), (Ring("hidden", 4, 24),), (Ring("memory", 2, 24),)):
        with pytest.raises(EngineError, match="expected float32 inputs"):
            OnnxRuntimeEngine(replace(model, description=replace(model.description, rings=rings)))


def test_a_file_that_is_no_network_is_refused(model, tmp_path):
    folder = shutil.copytree(model.path, tmp_path / "broken")
    (folder / STEP).write_bytes(b"no network")
    with pytest.raises(EngineError, match="can load"):
        OnnxRuntimeEngine(Model(folder, model.description))


def test_a_provider_that_is_not_here_is_refused(model):
    with pytest.raises(EngineError, match=r"expected ONNX Runtime with CUDAExecutionProvider, found .*onnxruntime-gpu"):
        OnnxRuntimeGpuEngine(model, 1, "CUDAExecutionProvider")


def test_weights_that_do_not_fit_are_refused(model):
    network = {**model.description.network, "width": 32}
    with pytest.raises(EngineError, match="expected the weights of the network described"):
        TorchEngine(replace(model, description=replace(model.description, network=network)))
