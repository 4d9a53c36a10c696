"""Which engines are compared, with what, and what a row says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from face_inference.engines.choice import DEFAULT
from face_inference.engines.protocol import EngineOutput
from face_inference.errors import EngineError
from face_inference.model_folder import Model, load_model
from imusic_bench import engine_comparison as bench
from imusic_bench.engine_comparison import RECURRENT, STEP, WINDOW, Contender, compare_engines, precisions_of, rows_of
from imusic_bench.step_timing import Percentiles
from imusic_bench.verb import app
from imusic_cli.errors import CommandError


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("imusic")


def times(p50_ms: float) -> Percentiles:
    return Percentiles(p50_ms, 2.0 * p50_ms, 3.0 * p50_ms, 0.5 * p50_ms, 1000)


def test_a_row_has_the_promised_keys_and_its_speed_beside_the_window() -> None:
    found = rows_of(
        {Contender(DEFAULT, "float32", STEP): times(0.5), Contender(DEFAULT, "float32", WINDOW): times(8.0)},
        4,
        {Contender(DEFAULT, "float32", STEP): 1e-6},
    )
    step, window = (asdict(row) for row in found)
    assert (step["max_difference"], window["max_difference"]) == (1e-6, None)
    promised = {"engine", "precision", "batch", "p50_ms", "p99_ms", "p999_ms", "speedup_over_window", "kind"}
    assert promised <= set(step)
    assert (step["engine"], step["precision"], step["batch"], step["kind"]) == (DEFAULT, "float32", 4, "step")
    assert (step["p50_ms"], step["p99_ms"], step["p999_ms"], step["cpu_ms"]) == (0.5, 1.0, 1.5, 0.25)
    assert step["speedup_over_window"] == pytest.approx(16.0)
    assert step["faces_per_s"] == pytest.approx(8000.0)
    assert window["speedup_over_window"] == pytest.approx(1.0)


def test_without_the_window_there_is_no_speed_beside_it() -> None:
    (row,) = rows_of({Contender("tensorrt", "float16", STEP): times(0.2)}, 1, {})
    assert row.speedup_over_window is None


def test_tensorrt_is_timed_in_both_precisions() -> None:
    assert precisions_of("tensorrt") == ("float32", "float16")
    assert precisions_of(DEFAULT) == ("float32",)


class FakeEngine:
    """Counts its steps."""

    def __init__(self, faces: int) -> None:
        self.faces = faces
        self.inputs = np.zeros((faces, 254), np.float32)
        self.steps = 0
        self.closed = False

    def step(self) -> EngineOutput:
        self.steps += 1
        return EngineOutput(np.full((self.faces, 52), 5.0, np.float32), np.zeros((self.faces, 52), np.float32))

    def reset(self, face: int) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@contextmanager
def no_recurrent_model(_model: Model) -> Iterator[Model]:
    """Without PyTorch, which takes seconds to write the graph."""
    raise EngineError("expected PyTorch, found none")
    yield


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    """Only ONNX Runtime can be opened."""
    monkeypatch.setattr(bench, "recurrent_model", no_recurrent_model)
    engines: list[FakeEngine] = []

    def open_engine(_model: Any, name: str, faces: int, precision: str) -> FakeEngine:
        if name != DEFAULT:
            raise EngineError(f"expected a GPU for {name} {precision}, found none")
        engines.append(FakeEngine(faces))
        return engines[-1]

    monkeypatch.setattr(bench, "open_engine", open_engine)
    return engines


def test_what_does_not_work_here_is_listed_with_its_reason(model: Model, opened: list[FakeEngine]) -> None:
    found = compare_engines(model, [DEFAULT, "tensorrt"], [1, 3], seconds=0.01)
    assert found.missing["tensorrt float16"] == "expected a GPU for tensorrt float16, found none"
    assert found.missing[RECURRENT] == "expected PyTorch, found none"
    kinds = [(row.batch, row.kind) for row in found.rows]
    assert kinds == [(1, STEP), (1, WINDOW), (3, STEP), (3, WINDOW)]
    assert opened
    assert all(row.max_difference > 3.0 for row in found.rows if row.kind == STEP)  # it gives 5 for everything
    assert all(engine.closed and engine.steps > 3 and engine.inputs.all() for engine in opened)


def test_without_any_engine_there_is_an_error(model: Model, opened: list[FakeEngine]) -> None:
    with pytest.raises(CommandError, match=r"found none.*expected a GPU"):
        compare_engines(model, ["tensorrt"], [1], seconds=0.01)


def test_an_unknown_engine_is_refused(model: Model) -> None:
    with pytest.raises(CommandError, match=r"expected one of .*onnxruntime.*, found steam"):
        compare_engines(model, ["steam"], [1], seconds=0.01)


def test_the_verb_times_the_shipped_model_beside_both_references() -> None:
    pytest.importorskip("torch", reason="PyTorch writes the graph of the recurrent network")
    options = ["engine", "--engine", DEFAULT, "--batch", "1", "--batch", "2", "--seconds", "0.1", "--json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"rows", "missing", "machine", "model"} == set(found)
    assert [(row["batch"], row["kind"]) for row in found["rows"]] == [
        (batch, kind) for batch in (1, 2) for kind in (STEP, RECURRENT, WINDOW)
    ]
    for row in found["rows"]:
        assert 0.0 < row["p50_ms"] <= row["p99_ms"] <= row["p999_ms"]
    # In processor time, which does not depend on what else runs, by a wide margin of the 6 times that are promised.
    step, _, window = found["rows"][:3]
    assert window["cpu_ms"] > 3.0 * step["cpu_ms"]
