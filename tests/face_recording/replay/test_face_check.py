"""Faces that are compared in any order."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from face_recording.replay.face_check import FaceBits, FaceCheck


def face(sequence: int, value: float = 0.5, stamp_ns: int | None = None, age: float = 0.01) -> FaceBits:
    sec, nanosec = divmod(sequence * 10_000_000 if stamp_ns is None else stamp_ns, 1_000_000_000)
    message = SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec)),
        sequence=sequence,
        age=age,
        weights=np.full(52, value, np.float32),
        confidence=np.full(52, 0.5, np.float32),
        head_orientation=SimpleNamespace(x=0.0, y=0.0, z=0.0, w=1.0),
    )
    return FaceBits.of(message)


def test_equal_different_and_missing_faces_are_counted() -> None:
    check = FaceCheck()
    for i in range(10):
        check.played(i)
        check.recorded(face(i))
        if i != 4:
            check.computed(face(i, 0.75 if i == 7 else 0.5))
    check.end_lap()
    assert (check.equal, check.different, check.missing, check.unrecorded) == (8, 1, 1, 0)
    assert check.first_different == 7
    assert check.worst == 0.25
    assert not check.ok
    assert check.summary.endswith("8 equal, 1 different, 1 missing (first at sample 7, weights by up to 0.25)")


def test_the_last_bit_counts() -> None:
    check = FaceCheck()
    check.played(1)
    check.recorded(face(1, 0.5))
    check.computed(face(1, float(np.nextafter(np.float32(0.5), np.float32(1.0)))))
    assert check.different == 1


def test_faces_that_fade_without_input_are_passed_over() -> None:
    check = FaceCheck()
    check.played(1)
    for value in (0.5, 0.4, 0.3):
        check.recorded(face(1, value))
    for value in (0.5, 0.45):
        check.computed(face(1, value))
    check.end_lap()
    assert (check.equal, check.different, check.missing, check.unrecorded) == (1, 0, 0, 0)
    assert check.ok


def test_a_face_that_was_published_late_was_faded_by_its_age() -> None:
    check = FaceCheck()
    late = face(1, age=0.35)
    confidence = late.estimate.confidence * np.float32(0.5)
    check.recorded(replace(late, estimate=replace(late.estimate, confidence=confidence)))
    check.computed(face(1, age=0.0))
    assert (check.equal, check.different) == (1, 0)


def test_a_face_of_a_sample_that_was_not_played_is_not_missed() -> None:
    check = FaceCheck()
    check.recorded(face(1))
    check.end_lap()
    assert check.missing == 0
    assert not check.ok  # nothing was compared


@given(st.lists(st.integers(0, 1), max_size=60))
def test_whichever_comes_first(order: list[int]) -> None:
    check = FaceCheck()
    numbers = [0, 0]
    for side in order:
        sequence, numbers[side] = numbers[side], numbers[side] + 1
        if side:
            check.computed(face(sequence))
        else:
            check.played(sequence)
            check.recorded(face(sequence))
    check.end_lap()
    assert check.equal == min(numbers)
    assert check.missing == max(0, numbers[0] - numbers[1])
    assert check.unrecorded == max(0, numbers[1] - numbers[0])


def test_a_hub_that_was_restarted_counts_anew_and_its_faces_are_others() -> None:
    check = FaceCheck()
    check.computed(face(7, 0.1, stamp_ns=1_000))
    check.played(7)
    check.computed(face(7, 0.9, stamp_ns=2_000))
    check.recorded(face(7, 0.9, stamp_ns=2_000))
    assert (check.equal, check.different) == (1, 0)


def test_faces_before_the_first_snapshot_are_named() -> None:
    check = FaceCheck()
    for i in range(5):
        check.played(i, i >= 2)
        check.computed(face(i))
        check.recorded(face(i), exact=i >= 2)
    check.end_lap()
    assert check.ok
    assert check.not_compared == 2
    assert check.summary.endswith("3 equal, 0 different, 0 missing, 2 not compared (before the first snapshot)")


def test_many_faces_whose_samples_were_not_played_are_told() -> None:
    check = FaceCheck()
    for i in range(100):
        if i < 10:
            check.played(i)
            check.computed(face(i))
        check.recorded(face(i))
    check.end_lap()
    assert (check.equal, check.missing, check.unplayed, check.not_compared) == (10, 0, 90, 90)
    assert "90 not compared (their samples were not played" in check.summary
