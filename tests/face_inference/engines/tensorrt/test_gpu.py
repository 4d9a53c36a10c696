"""The shipped model on a GPU, against ONNX Runtime on the CPU. Run these on a machine that has one."""

from __future__ import annotations

import numpy as np
import pytest

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.tensorrt.cuda import find_gpu
from face_inference.engines.tensorrt.engine import TensorRtEngine
from face_inference.engines.tensorrt.library import find_library
from face_inference.errors import EngineError

TICKS = 200
ATOL = {"float32": 1e-3, "float16": 2e-3}


@pytest.fixture(scope="module", autouse=True)
def _gpu(tmp_path_factory):
    try:
        find_library()
        find_gpu()
    except EngineError as error:
        pytest.skip(f"needs a GPU and TensorRT: {error}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("precision", ATOL)
@pytest.mark.parametrize("faces", [1, 4])
def test_it_gives_what_onnx_runtime_gives(shipped, faces, precision):
    rng = np.random.default_rng(0)
    inputs = rng.normal(0.0, 0.3, (TICKS, faces, shipped.description.network["inputs"])).astype(np.float32)
    engine, reference = TensorRtEngine.create(shipped, faces, precision), OnnxRuntimeEngine(shipped, faces)
    try:
        for tick, row in enumerate(inputs):
            active = rng.random(faces) < 0.8
            engine.inputs[...] = reference.inputs[...] = row
            found, expected = engine.step(active), reference.step(active)
            np.testing.assert_allclose(found.weights[active], expected.weights[active], atol=ATOL[precision], rtol=0)
            if tick == TICKS // 2:
                engine.reset(faces - 1)
                reference.reset(faces - 1)
            if tick == TICKS * 3 // 4:
                for face in range(faces):
                    engine.restore_state(reference.save_state(face), face)
        assert "no CUDA graph" not in engine.description
    finally:
        engine.close()


def test_the_second_time_nothing_is_built(shipped):
    TensorRtEngine.create(shipped).close()
    told = []
    TensorRtEngine.create(shipped, on_progress=lambda share, line: told.append(line)).close()
    assert told == []
