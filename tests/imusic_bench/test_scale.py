"""The search for the most faces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from imusic_bench.scale import Load, largest, most_faces
from imusic_bench.verb import app


@given(true=st.integers(0, 300), most=st.integers(1, 300))
def test_the_largest_is_found_with_few_questions(true: int, most: int) -> None:
    asked: list[int] = []

    def fits(number: int) -> bool:
        asked.append(number)
        return number <= true

    assert largest(fits, most) == min(true, most)
    assert all(1 <= number <= most for number in asked)
    assert len(asked) == len(set(asked)) <= 2 * most.bit_length() + 1


def load(faces: int) -> Load:
    """Half a millisecond for a face, twice that once in a hundred."""
    return Load(p50_ms=0.5 * faces, p99_ms=1.0 * faces, cpu_ms=0.4 * faces)


def test_faces_fit_while_late_steps_end_before_the_next_is_due() -> None:
    row = most_faces("onnxruntime", 60, 100, load)
    assert (row.engine, row.rate_hz, row.faces, row.faces_by_cpu) == ("onnxruntime", 60, 16, 41)
    assert (row.p50_ms, row.p99_ms) == (8.0, 16.0)
    assert row.cpu_percent == pytest.approx(100.0 * 0.4 * 16 * 60 / 1000.0)
    assert most_faces("onnxruntime", 100, 100, load).faces == 9


def test_no_more_than_asked_are_tried_and_none_may_fit() -> None:
    assert most_faces("onnxruntime", 60, 5, load).faces == 5
    row = most_faces("onnxruntime", 2000, 5, load)
    assert (row.faces, row.faces_by_cpu, row.p50_ms) == (0, 1, 0.5)


def test_a_core_that_is_full_carries_no_more() -> None:
    threads = Load(p50_ms=5.0, p99_ms=6.0, cpu_ms=20.0)
    assert not threads.in_time(60.0)
    assert not threads.core_suffices(60.0)


def test_the_verb_measures_the_shipped_model() -> None:
    result = CliRunner().invoke(app, ["scale", "--most", "2", "--rate", "1", "--seconds", "0.1", "--json"])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    assert (row["rate_hz"], row["faces_by_cpu"]) == (1, 2)
    assert 0.0 < row["cpu_percent"] < 100.0
