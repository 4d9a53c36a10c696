"""The engine's own logic on a device without a GPU, against the engine for the CPU."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.tensorrt.engine import TensorRtEngine
from face_inference.engines.tensorrt.opening import Order
from face_inference.errors import EngineError

TICKS, FACES = 30, 3
every_case = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def make(device, make_network):
    def create(model, faces=1):
        return TensorRtEngine(model.description, faces, device, make_network(device, model, faces), "TensorRT 0")

    return create


@pytest.fixture(params=["tiny", "shipped"])
def model(request):
    return request.getfixturevalue(request.param)


def made_up(model, seed=0):
    size = model.description.network["inputs"]
    return np.random.default_rng(seed).normal(0.0, 0.3, (TICKS, FACES, size)).astype(np.float32)


def run(engine, inputs, active=None):
    """(T, F, I) -> weights and confidence (T, F, 104); rows of faces that wait mean nothing."""
    found = []
    for tick, row in enumerate(inputs):
        engine.inputs[...] = row
        found.append(np.concatenate(engine.step(None if active is None else active[tick]), axis=1))
    return np.stack(found)


def test_it_gives_what_the_engine_for_the_cpu_gives(make, model):
    inputs, engine = made_up(model), make(model, FACES)
    expected = run(OnnxRuntimeEngine(model, FACES), inputs)
    np.testing.assert_allclose(run(engine, inputs), expected, atol=1e-4)
    assert engine.faces == FACES
    assert engine.description == "TensorRT 0 on a host by PyCUDA, CUDA graphs"


@every_case
@given(seed=st.integers(0, 1 << 16))
def test_faces_that_wait_are_not_advanced(make, tiny, seed):
    active = np.random.default_rng(seed).random((TICKS, FACES)) < 0.6
    inputs = made_up(tiny, seed)
    found = run(make(tiny, FACES), inputs, active)
    expected = run(OnnxRuntimeEngine(tiny, FACES), inputs, active)
    np.testing.assert_allclose(found[active], expected[active], atol=1e-5)


@every_case
@given(cut=st.integers(1, TICKS - 1), face=st.integers(0, FACES - 1))
def test_a_saved_face_goes_on_in_another_engine_and_place(make, tiny, cut, face):
    inputs = made_up(tiny)
    expected = run(OnnxRuntimeEngine(tiny, FACES), inputs)[cut:, face]
    first = make(tiny, FACES)
    run(first, inputs[:cut])
    state = first.save_state(face)
    for second in (make(tiny), OnnxRuntimeEngine(tiny)):
        second.restore_state(state)
        np.testing.assert_allclose(run(second, inputs[cut:, [face]])[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("before", [6, 7], ids=["first set", "second set"])
def test_a_reset_face_begins_anew_and_the_others_go_on(make, tiny, before):
    inputs, engine, other = made_up(tiny), make(tiny, FACES), OnnxRuntimeEngine(tiny, FACES)
    for both in (engine, other):
        run(both, inputs[:before])
        both.reset(1)
    np.testing.assert_allclose(run(engine, inputs), run(other, inputs), atol=1e-5)
    assert [engine.save_state(face).ticks for face in range(FACES)] == [other.save_state(f).ticks for f in range(FACES)]


def test_a_face_that_went_wrong_is_well_again_after_a_reset(make, tiny):
    inputs, engine = made_up(tiny), make(tiny, FACES)
    expected = run(OnnxRuntimeEngine(tiny, FACES), inputs)
    wrong = inputs.copy()
    wrong[:, 1] = np.nan
    run(engine, wrong)
    for face in range(FACES):
        engine.reset(face)
    np.testing.assert_allclose(run(engine, inputs), expected, atol=1e-5)


def test_steps_are_graphs_and_plain_work_where_there_are_none(make, tiny, device):
    inputs = made_up(tiny)[:, :1]
    with_graphs = make(tiny)
    before = device.launched
    expected = run(with_graphs, inputs)
    assert device.launched == before + TICKS
    device.graphs = False
    plain = make(tiny)
    np.testing.assert_array_equal(run(plain, inputs), expected)
    assert device.launched == before + TICKS
    assert "no CUDA graph: expected cuStreamBeginCapture to work" in plain.description


def test_any_thread_may_step(make, tiny):
    inputs, engine, found = made_up(tiny)[:, :1], make(tiny), []
    for tick in inputs:
        thread = threading.Thread(target=lambda row=tick: found.append(run(engine, row[None])))
        thread.start()
        thread.join()
    np.testing.assert_allclose(np.concatenate(found), run(OnnxRuntimeEngine(tiny), inputs), atol=1e-5)


def test_nobody_waiting_for_an_answer_costs_nothing(make, tiny, device):
    engine = make(tiny, FACES)
    before = device.launched
    engine.step(np.zeros(FACES, dtype=bool))
    assert device.launched == before
    assert engine.save_state(0).ticks == 0


def test_a_failing_device_is_an_error_and_can_be_closed(make, tiny, device):
    engine = make(tiny)
    device.broken = True
    with pytest.raises(EngineError, match="illegal memory access"):
        engine.step()
    engine.close()


def test_too_little_memory_is_an_error_and_nothing_stays_allocated(make, tiny, device):
    device.memory_bytes = 4096
    with pytest.raises(EngineError, match="out of memory"):
        make(tiny, 64)
    assert device.in_use == 0


def test_a_network_of_another_model_is_refused(device, make_network, tiny, other):
    network = make_network(device, tiny, 1)
    with pytest.raises(EngineError, match="build the engine again"):
        TensorRtEngine(other, 1, device, network, "TensorRT 0")
    assert network.closed


def test_a_state_of_another_model_is_refused(make, tiny, shipped):
    state = OnnxRuntimeEngine(shipped).save_state()
    with pytest.raises(EngineError, match="restore only what the same model saved"):
        make(tiny).restore_state(state)


def test_a_closed_engine_holds_nothing_and_says_so(make, tiny, device):
    engine = make(tiny)
    engine.close()
    engine.close()
    assert device.in_use == 0
    for use in (engine.step, engine.reset, engine.save_state):
        with pytest.raises(EngineError, match="closed"):
            use()


def test_without_a_gpu_or_pycuda_it_says_what_is_missing(rtx, tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(EngineError, match="expected PyCUDA and NVIDIA's driver"):
        TensorRtEngine.create(tiny)
    with pytest.raises(EngineError, match="float16, float32, found 'int4'"):
        Order(tiny, rtx, 1, "int4")
