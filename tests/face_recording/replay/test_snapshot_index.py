"""Which snapshots of a bag count."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from face_recording.bag_reader import Bag
from face_recording.replay.snapshot_index import SnapshotIndex

S = 1_000_000_000


def stored(topic: str, time_ns: int, stamp_ns: int, **numbers: int) -> Any:
    sec, nanosec = divmod(stamp_ns, S)
    header = SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec))
    return SimpleNamespace(topic=topic, time_ns=time_ns, data=b"", decoded=SimpleNamespace(header=header, **numbers))


class MadeUpBag:
    path = Path("made_up")

    def __init__(self, *messages: Any) -> None:
        self._messages = messages

    def messages(self, topics: list[str], *_: int) -> Any:
        return iter([message for message in self._messages if message.topic in topics])

    def decoded(self, message: Any) -> Any:
        return message.decoded


def index_of(*snapshots: tuple[int, int], first: int, number: str = "sequence") -> list[int]:
    """`after` of those that count: stamp in s and `after` of each; the first input has the number `first` at 100 s."""
    found = [stored("snapshots", 100 * S + i, stamp * S, after=after) for i, (stamp, after) in enumerate(snapshots)]
    begin = stored("inputs", 100 * S, 100 * S, **{number: first})
    bag = cast(Bag, MadeUpBag(*found, begin, stored("inputs", 101 * S, 101 * S, **{number: first + 1})))
    return [entry.after for entry in SnapshotIndex(bag, "snapshots", "inputs", number).entries]


def test_those_of_takes_before_do_not_count() -> None:
    stale = [(50, 500), (70, 700), (90, 900)]
    assert index_of(*stale, (100, 1003), first=1000) == [1003]


def test_one_that_the_first_input_goes_on_from_does() -> None:
    assert index_of((50, 500), (60, 999), first=1000) == [999], "the hub was silent for 40 s before the bag began"
    assert index_of((60, 2**32 - 1), (101, 1), first=0) == [2**32 - 1, 1], "numbers wrap"


def test_where_none_goes_on_the_newest_is_better_than_nothing() -> None:
    assert index_of((50, 500), (70, 700), first=1000) == [700]


def test_a_driver_that_was_started_anew_counts_from_one() -> None:
    assert index_of((100, 1003), (130, 4), first=1000, number="number") == [1003, 4]


@pytest.mark.parametrize("inputs", ["", "nowhere"])
def test_without_inputs_all_count(inputs: str) -> None:
    bag = cast(Bag, MadeUpBag(stored("snapshots", S, S, after=1), stored("snapshots", 2 * S, 2 * S, after=2)))
    assert [entry.after for entry in SnapshotIndex(bag, "snapshots", inputs).entries] == [1, 2]
