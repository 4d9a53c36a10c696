from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference.engines import choice
from face_inference.engines.choice import ProgressLines, create_engine, open_engine
from face_inference.engines.fallback import EngineWithFallback
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.errors import EngineError


@pytest.fixture(scope="module")
def model(trained):
    return trained["model"]


class Breaking:
    """Works until it is told to break."""

    description = "a breaking device"

    def __init__(self, model, faces=1):
        self._inner = OnnxRuntimeEngine(model, faces)
        self.faces, self.inputs = faces, self._inner.inputs
        self.broken = self.closed = False

    def step(self, active=None):
        if self.broken:
            raise EngineError("expected the device to answer, found error 719")
        return self._inner.step(active)

    def reset(self, face=0):
        if self.broken:
            raise EngineError("expected the device to answer, found error 719")
        self._inner.reset(face)

    def save_state(self, face=0):
        return self._inner.save_state(face)

    def restore_state(self, state, face=0):
        self._inner.restore_state(state, face)

    def close(self):
        self.closed = True


def offering(monkeypatch, **engines):
    """Only these engines are there; an exception is what opening one raises."""

    def opened(model, name, faces=1, precision="auto", on_progress=None):
        found = engines.get(name, EngineError(f"expected {name}, found none"))
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(choice, "open_engine", opened)
    monkeypatch.setattr(choice, "gpu_is_here", lambda: True)


def test_without_a_gpu_nothing_of_a_gpu_is_loaded(model, monkeypatch):
    offering(monkeypatch, onnxruntime=OnnxRuntimeEngine(model), tensorrt=AssertionError("was opened"))
    monkeypatch.setattr(choice, "gpu_is_here", lambda: False)
    assert "on ONNX Runtime" in create_engine(model).announcement
    assert "no NVIDIA GPU here" in create_engine(model).announcement


def test_by_itself_it_takes_what_works_and_says_so(model, monkeypatch):
    offering(monkeypatch, onnxruntime=OnnxRuntimeEngine(model))
    engine, announcement = create_engine(model).engine, create_engine(model).announcement
    assert announcement.startswith("tiny 1.2.3 runs on ONNX Runtime")
    assert "no tensorrt: expected tensorrt, found none" in announcement
    assert "\n" not in announcement
    assert isinstance(engine, OnnxRuntimeEngine)


def test_by_itself_it_takes_the_fastest(model, monkeypatch):
    fast, slow = Breaking(model), OnnxRuntimeEngine(model)
    offering(monkeypatch, tensorrt=fast, onnxruntime=slow)
    monkeypatch.setattr(choice, "_step_ms", lambda engine: 0.1 if engine is fast else 0.5)
    found = create_engine(model)
    assert "a breaking device (the fastest here: tensorrt 0.10 ms, onnxruntime 0.50 ms; no onnx" in found.announcement
    monkeypatch.setattr(choice, "_step_ms", lambda engine: 0.9 if engine is fast else 0.5)
    found = create_engine(model)
    assert found.engine is slow
    assert fast.closed


def test_timing_leaves_nothing_behind(model):
    engine = OnnxRuntimeEngine(model, 2)
    choice._step_ms(engine)
    assert all(engine.save_state(face).ticks == 0 for face in range(2))
    assert not any(ring.any() for ring in engine.save_state(1).rings)


def test_what_was_asked_for_and_cannot_be_had_falls_back_with_one_announcement(model, monkeypatch):
    offering(monkeypatch, tensorrt=EngineError("expected a GPU, found none"))
    found = create_engine(model, "tensorrt", faces=2)
    assert "runs for 2 faces on ONNX Runtime" in found.announcement
    assert "falls back; no tensorrt: expected a GPU, found none" in found.announcement
    assert found.fell_back
    assert found.engine.faces == 2


def test_a_device_that_fails_later_is_replaced_and_announced_once(model, monkeypatch):
    device, said = Breaking(model, 2), []
    offering(monkeypatch, tensorrt=device)
    engine = create_engine(model, "tensorrt", faces=2, on_failure=said.append).engine
    assert isinstance(engine, EngineWithFallback)
    engine.inputs[:] = 0.1
    before = engine.step().weights.copy()
    device.broken = True
    engine.inputs[:] = 0.1
    np.testing.assert_allclose(engine.step().weights, before, atol=1e-6)  # as after a reset
    engine.step()
    engine.reset(1)
    assert len(said) == 1
    assert "a breaking device failed: expected the device to answer, found error 719" in said[0]
    assert "goes on with ONNX Runtime" in said[0]
    assert device.closed
    assert "ONNX Runtime" in engine.description


def test_a_device_that_fails_at_a_reset_is_replaced_too(model, monkeypatch):
    device, said = Breaking(model), []
    offering(monkeypatch, tensorrt=device)
    engine = create_engine(model, "tensorrt", on_failure=said.append).engine
    device.broken = True
    engine.reset()
    engine.step()
    assert len(said) == 1


def test_a_model_that_nothing_runs_is_an_error(model, monkeypatch):
    offering(monkeypatch, onnxruntime=EngineError("expected a network, found none"))
    with pytest.raises(EngineError, match="expected a network"):
        create_engine(model)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"name": "abacus"}, "expected engine to be one of auto, onnxruntime, tensorrt, .* found 'abacus'"),
        ({"precision": "int3"}, "expected precision to be one of auto, float32, float16, found 'int3'"),
        ({"faces": 0}, "expected at least one face, found 0"),
    ],
)
def test_wrong_wishes_are_refused(model, wrong, match):
    with pytest.raises(EngineError, match=match):
        create_engine(model, **wrong)


def test_half_precision_is_no_reason_to_do_without_the_cpu(model, monkeypatch):
    monkeypatch.setattr(choice, "gpu_is_here", lambda: False)
    assert "on ONNX Runtime" in create_engine(model, precision="float16").announcement


def test_half_precision_is_tensorrts(model):
    with pytest.raises(EngineError, match="only tensorrt"):
        open_engine(model, "onnxruntime", precision="float16")


def test_it_tells_the_first_each_tenth_and_after_two_seconds():
    lines = ProgressLines()
    assert lines.line(0.0, "building", 5.0) == "building: 0 %"
    assert lines.line(0.09, "building", 5.1) is None
    assert lines.line(0.1, "building", 5.2) == "building: 10 %"
    assert lines.line(0.11, "building", 7.1) is None
    assert lines.line(0.12, "building", 7.2) == "building: 12 %"
    assert lines.line(0.0, "the next", 7.3) == "the next: 0 %"


@given(st.lists(st.tuples(st.floats(0.0, 0.01), st.floats(0.0, 0.1)), max_size=500))
def test_lines_are_few(steps):
    lines, share, now_s, told = ProgressLines(), 0.0, 0.0, 0
    for more, later_s in steps:
        share, now_s = share + more, now_s + later_s
        told += lines.line(share, "building", now_s) is not None
    assert told <= 1 + share / 0.1 + now_s / 2.0
