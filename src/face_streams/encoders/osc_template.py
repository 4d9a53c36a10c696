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


@dataclass(frozen=True)
class _Datagram:
    template: NDArray[np.uint8]
    number_at: NDArray[np.intp]
    numbers: NDArray[np.intp]
    truth_at: NDArray[np.intp]
    truths: NDArray[np.intp]


class OscTemplate:
    """Bundles with slots.

    Args:
        contents: the messages, in order; as many go into a datagram as fit.
        most_bytes: of a datagram.
    """

    def __init__(self, contents: Iterable[Content], most_bytes: int = LARGEST_DATAGRAM) -> None:
        self.numbers = self.truths = 0
        self._datagrams: list[_Datagram] = []
        held: list[tuple[bytes, list[int], list[int]]] = []
        size = len(osc.bundle(()))
        for address, arguments in contents:
            message = _encoded(address, arguments)
            if held and size + 4 + len(message[0]) > most_bytes:
                self._close(held)
                held, size = [], len(osc.bundle(()))
            held.append(message)
            size += 4 + len(message[0])
        if held:
            self._close(held)

    def __call__(
        self, numbers: Sequence[float] | NDArray[np.floating], truths: Sequence[bool] | NDArray[np.bool_] = ()
    ) -> list[bytes]:
        """The datagrams with these values in the slots."""
        words = np.asarray(numbers, dtype=">f4")
        if words.shape != (self.numbers,) or len(truths) != self.truths:
            raise ValueError(f"expected {self.numbers} numbers and {self.truths} truths, found {words.shape}")
        parts = words.view(np.uint8).reshape(-1, 4)
        tags = np.where(np.asarray(truths, dtype=bool), ord("T"), ord("F")).astype(np.uint8)
        found = []
        for datagram in self._datagrams:
            data = datagram.template.copy()
            data[datagram.number_at] = parts[datagram.numbers]
            data[datagram.truth_at] = tags[datagram.truths]
            found.append(data.tobytes())
        return found

    def _close(self, held: list[tuple[bytes, list[int], list[int]]]) -> None:
        number_at, truth_at = [], []
        at = len(osc.bundle(()))
        for data, numbers, truths in held:
            number_at += [at + 4 + offset for offset in numbers]
            truth_at += [at + 4 + offset for offset in truths]
            at += 4 + len(data)
        template = np.frombuffer(osc.bundle(data for data, _, _ in held), dtype=np.uint8)
        places = np.array(number_at, dtype=np.intp).reshape(-1, 1) + np.arange(4)
        self._datagrams.append(
            _Datagram(
                template,
                places,
                self.numbers + np.arange(len(number_at)),
                np.array(truth_at, dtype=np.intp),
                self.truths + np.arange(len(truth_at)),
            )
        )
        self.numbers += len(number_at)
        self.truths += len(truth_at)


def _encoded(address: str, arguments: Sequence[object]) -> tuple[bytes, list[int], list[int]]:
    """A message, and where in it the numbers and the tags of truths stand."""
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
    return data, numbers, truths


def _tail(arguments: Sequence[object]) -> bytes:
    """The bytes of arguments, without address and tags."""
    return b"".join(osc.encode("/", [argument])[8:] for argument in arguments)
