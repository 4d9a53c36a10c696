"""Garbage collection of a process while its node is active."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from imusic_ros.garbage import FULL_PERIOD, GarbageControl


class Knot:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def control() -> Iterator[GarbageControl]:
    control = GarbageControl()
    yield control
    control.end()


def test_nothing_is_collected_unless_asked_for(control: GarbageControl) -> None:
    control.begin()
    assert not gc.isenabled()
    knot = weakref.ref(Knot())
    assert knot() is not None
    control.collect()
    assert knot() is None


def test_what_was_alive_before_is_not_looked_at(control: GarbageControl) -> None:
    old = Knot()
    seen = weakref.ref(old)
    control.begin()
    assert gc.get_freeze_count() > 0
    del old
    for _ in range(FULL_PERIOD):
        control.collect()
    assert seen() is not None
    control.end()
    gc.collect()
    assert seen() is None


def test_cycles_that_lived_for_some_seconds_go_too(control: GarbageControl) -> None:
    control.begin()
    knot: Knot | None = Knot()
    seen = weakref.ref(knot)
    for _ in range(3):
        control.collect()
    knot = None
    for _ in range(FULL_PERIOD):
        control.collect()
    assert seen() is None


def test_it_can_be_ended_and_begun_again(control: GarbageControl) -> None:
    for _ in range(3):
        control.begin()
        control.end()
        assert gc.isenabled()
        assert gc.get_freeze_count() == 0


def test_it_does_nothing_before_it_begins(control: GarbageControl) -> None:
    collected: list[str] = []
    gc.callbacks.append(lambda phase, info: collected.append(phase))
    try:
        control.collect()
    finally:
        gc.callbacks.pop()
    assert collected == []
    assert gc.isenabled()


def test_several_nodes_of_a_process_share_it(control: GarbageControl) -> None:
    control.begin()
    control.begin()
    knot = weakref.ref(Knot())
    control.collect()
    control.collect()  # each of the two asks once a second
    assert knot() is None
    control.end()
    assert not gc.isenabled()
    control.end()
    assert gc.isenabled()
