"""Samples out, faces in."""

from __future__ import annotations

import pytest

from face_recording.replay.errors import ReplayError
from face_recording.replay.flight import FORGIVEN_S, SILENT_S, Flight


class Clock:
    now_s = 10.0

    def __call__(self) -> float:
        return self.now_s


def test_a_face_answers_its_sample_and_those_before_it() -> None:
    flight = Flight(Clock())
    for i in range(5):
        flight.sent(i)
    flight.answered(77)
    assert flight.under_way == 5
    flight.answered(2)
    assert flight.under_way == 2
    assert flight.unanswered == 2
    flight.answered(3)
    flight.answered(4)
    flight.wait_for(0, lambda: True, lambda: False)
    assert flight.unanswered == 2


def test_who_is_gone_is_not_waited_for() -> None:
    flight = Flight(Clock())
    flight.sent(1)
    with pytest.raises(ReplayError, match="it has gone"):
        flight.wait_for(0, lambda: False, lambda: False)


def test_a_sample_that_was_refused_is_forgiven_and_silence_is_not() -> None:
    clock = Clock()
    flight = Flight(clock)
    flight.sent(1)

    def later() -> bool:
        clock.now_s += 0.3
        return True

    flight.wait_for(0, later, lambda: False)
    assert flight.unanswered == 1
    assert clock.now_s - 10.0 == pytest.approx(FORGIVEN_S, abs=0.7)
    for i in range(40):
        flight.sent(i)
    for _ in range(30):
        flight.wait_for(10, lambda: True, lambda: True)
        clock.now_s += 0.6
    with pytest.raises(ReplayError, match="found none for"):
        flight.wait_for(10, later, lambda: False)
    assert clock.now_s > SILENT_S


def test_who_is_told_to_stop_does_not_wait() -> None:
    flight = Flight(Clock())
    flight.sent(1)
    flight.wait_for(0, lambda: True, lambda: True)
    flight.forget()
    assert flight.under_way == 0
