"""A case of the bench, and what rows say together."""

from __future__ import annotations

import math

import pytest

from imusic_bench.camera_alignment import AlignmentRow, alignment_figures, measure_alignment


def test_a_case_of_the_bench_is_found_and_right() -> None:
    rows = list(measure_alignment(1, 60.0))
    assert [row.camera for row in rows] == ["phone", "webcam"] * 2
    assert all(row.found for row in rows)
    assert all(abs(row.error_ms) < 8.0 for row in rows)
    assert all(row.worst_ms >= abs(row.error_ms) - 1e-6 for row in rows)


def test_rows_together() -> None:
    rows = [
        AlignmentRow(0, "phone", True, 3.0, 2.0, 10.0, 4.0, 5.0),
        AlignmentRow(0, "webcam", True, -4.0, 1.0, 2.0, 4.0, 6.0),
        AlignmentRow(1, "phone", False),
    ]
    figures = alignment_figures(rows)
    assert (figures["cases"], figures["found"]) == (3, 2)
    assert figures["offset, rms ms"] == pytest.approx(math.sqrt(12.5))
    assert figures["offset, largest ms"] == 4.0
    assert figures["largest at any moment, ms"] == 6.0
    assert figures["offsets within two deviations, %"] == 50.0
    assert figures["drifts within two deviations, %"] == 50.0


def test_nothing_found_is_told() -> None:
    assert alignment_figures([AlignmentRow(0, "phone", False)]) == {"cases": 1, "found": 0}
