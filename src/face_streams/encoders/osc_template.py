"""OSC bundles of the same messages over and over: encoded once, numbers put in for each face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from face_model import osc

LARGEST_DATAGRAM = 1400
"""Bytes: what an Ethernet frame takes with some to spare; larger datagrams are cut into parts and lost as a whole."""


class Slot(Enum):
    """An argument that changes from face to face."""

    NUMBER = "f"
    TRUTH = "T"


Content = tuple[str, tuple[object, ...]]
"""Address and arguments of a message; a `Slot` among them is filled for each face, in the order of the messages."""


class OscTemplate:
    """Bundles with slots.

    Args:
        contents: the messages, in order; as many go into a datagram as fit.
        most_bytes: of a datagram.

    Attributes:
        numbers, truths: how many slots of each kind there are.
    """

    def __init__(self, contents: Iterable[Content], most_bytes: int = LARGEST_DATAGRAM) -> None:
        datagrams: list[list[_Message]] = []
        size = most_bytes
        for address, arguments in contents:
            message = _encoded(address, arguments)
            needed = 4 + len(message.data)
            if size + needed > most_bytes:
                datagrams.append([])
                size = _EMPTY
            datagrams[-1].append(message)
            size += needed
        whole, number_at, truth_at = b"", list[int](), list[int]()
        self._ends: list[int] = []
        for messages in datagrams:
            at = len(whole) + _EMPTY
            for message in messages:
                number_at += [at + 4 + offset for offset in message.numbers]
                truth_at += [at + 4 + offset for offset in message.truths]
                at += 4 + len(message.data)
            whole += osc.bundle(message.data for message in messages)
            self._ends.append(len(whole))
        # All datagrams in one array, so that a face costs few calls, however many there are.
        self._whole = np.frombuffer(whole, dtype=np.uint8)
        self._number_at = (np.array(number_at, dtype=np.intp).reshape(-1, 1) + np.arange(4)).reshape(-1)
        self._truth_at = np.array(truth_at, dtype=np.intp)
        self.numbers, self.truths = len(number_at), len(truth_at)

    def __call__(
        self, numbers: Sequence[float] | NDArray[np.floating], truths: Sequence[bool] | NDArray[np.bool_] = ()
    ) -> list[bytes]:
        """The datagrams with these values in the slots."""
        if len(numbers) != self.numbers or len(truths) != self.truths:
            raise ValueError(
                f"expected {self.numbers} numbers and {self.truths} truths, found {len(numbers)} and {len(truths)}"
            )
        data = self._whole.copy()
        data[self._number_at] = np.array(numbers, dtype=">f4").view(np.uint8)
        if self.truths:
            data[self._truth_at] = _TAGS[np.array(truths, dtype=np.uint8)]
        whole, begin, found = data.tobytes(), 0, []
        for end in self._ends:
            found.append(whole[begin:end])
            begin = end
        return found


@dataclass(frozen=True)
class _Message:
    """A message, and where in it the numbers and the tags of truths stand."""

    data: bytes
    numbers: list[int]
    truths: list[int]


_EMPTY = len(osc.bundle(()))
_TAGS = np.frombuffer(b"FT", dtype=np.uint8)


def _encoded(address: str, arguments: Sequence[object]) -> _Message:
    plain = [0.0 if a is Slot.NUMBER else True if a is Slot.TRUTH else a for a in arguments]
    data = osc.encode(address, plain)
    numbers: list[int] = []
    truths: list[int] = []
    tags_at = len(osc.encode(address)) - 4  # without arguments the tags are one word, ",\0\0\0"
    for i, argument in enumerate(arguments):
        if argument is Slot.NUMBER:
            # What comes before it, tags included, is as long as the message would be if it ended there.
            before = len(osc.encode(address, plain)) - len(_tail(plain[i:]))
            numbers.append(before)
        elif argument is Slot.TRUTH:
            truths.append(tags_at + 1 + i)
    return _Message(data, numbers, truths)


def _tail(arguments: Sequence[object]) -> bytes:
    """The bytes of arguments, without address and tags."""
    return b"".join(osc.encode("/", [argument])[8:] for argument in arguments)
