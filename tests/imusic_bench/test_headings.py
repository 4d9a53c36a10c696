from __future__ import annotations

from imusic_bench.headings import measure_headings


def test_a_minute_of_wear_is_measured_and_claimed_as_it_is():
    told = []
    (row,) = measure_headings(1.0, progress=told.append)
    assert told == [f"subject {row.subject}, 1 min"]
    assert 0.0 < row.rms < row.worst_sensor
    assert row.rms < 2.0 < row.uncorrected_last + 2.0
    assert 0.0 < row.honesty < 3.0
    assert row.honesty <= row.honesty_worst
    assert row.turn < row.turn_glued
