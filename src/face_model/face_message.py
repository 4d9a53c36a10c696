"""Messages `imusic/FaceBlendshapes` and `imusic/FaceReference` as the bytes that ROS hands over.

The generated classes take four times as long, mostly for a Python object of every truth value. Messages come in CDR
(OMG DDS-XTypes 1.3, 7.4): four bytes that say how numbers are written, then the fields in the order of the `.msg` file,
each number aligned to its size from there on (to 4 at most in version 2).

ROS is not imported; a test compares every field with what rclpy reads.
"""

# Annotations are not postponed: those of a NamedTuple could not be resolved by what reads the docstrings.
import struct
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import FaceModelError

LONGEST_TEXT: Final = 4096
"""Bytes of a frame or a name; ROS allows frames of less."""
_WRITTEN: Final = {b"\0\0": (">", 8), b"\0\1": ("<", 8), b"\0\6": (">", 4), b"\0\7": ("<", 4)}
"""Byte order and largest alignment of plain CDR, versions 1 and 2."""
_BODY: Final = 4
"""Where fields begin; alignment is counted from here."""
_ROW: Final = f"{4 * arkit.COUNT}s"
_TRUTHS: Final = f"{arkit.COUNT}s"
_FACE: Final = ("I", "B", 4, _ROW, _ROW, _TRUTHS, 8, "dddd", "f", "I")
_REFERENCE: Final = (8, "Qd?", 4, _ROW, _TRUTHS, _ROW, "?", 8, "dddd")
"""What lies between two texts, and behind the last: kinds of `struct`, and the alignment of what comes next."""

Floats = NDArray[np.float32]
Truths = NDArray[np.bool_]
Quaternion = tuple[float, float, float, float]


class FaceMessageError(FaceModelError):
    """Bytes that are no such message."""


class FaceMessage(NamedTuple):
    """The fields of `imusic/FaceBlendshapes`, see there; arrays cannot be written.

    Attributes:
        sec, nanosec: stamp.
        frame_id: head frame.
        sequence: of the sample.
        state: a value of `FaceState`, or another number that somebody sent.
        weights, confidence: (52,).
        observable: (52,).
        head: quaternion x, y, z, w, `face_head` to an earth frame.
        age: s.
        model: name and version.
    """

    sec: int
    nanosec: int
    frame_id: str
    sequence: int
    state: int
    weights: Floats
    confidence: Floats
    observable: Truths
    head: Quaternion
    age: float
    model: str

    @property
    def stamp_s(self) -> float:
        """Stamp, s."""
        return self.sec + 1e-9 * self.nanosec


class ReferenceMessage(NamedTuple):
    """The fields of `imusic/FaceReference`, see there; arrays cannot be written.

    Attributes:
        sec, nanosec: stamp.
        frame_id: head frame.
        source: kind and name.
        number: of the picture.
        source_time: s on the source's clock, NaN if it has none.
        face_seen: whether a face was there.
        weights: (52,).
        seen: (52,).
        confidence: (52,).
        head: quaternion x, y, z, w to the source's camera frame; None where it is not measured.
    """

    sec: int
    nanosec: int
    frame_id: str
    source: str
    number: int
    source_time: float
    face_seen: bool
    weights: Floats
    seen: Truths
    confidence: Floats
    head: Quaternion | None

    @property
    def stamp_s(self) -> float:
        """Stamp, s."""
        return self.sec + 1e-9 * self.nanosec


def stamp_s(data: bytes) -> float:
    """Stamp of a message that begins with a header, s, without reading the rest.

    Raises:
        FaceMessageError: no message.
    """
    sec, nanosec = _Reader(data).numbers(("iI",))
    return float(sec + 1e-9 * nanosec)


def read_face(data: bytes) -> FaceMessage:
    """A face.

    Raises:
        FaceMessageError: no such message.
    """
    reader = _Reader(data)
    sec, nanosec, length = reader.numbers(("iII",))
    frame_id = reader.text(length)
    sequence, state, weights, confidence, observable, x, y, z, w, age, length = reader.numbers(_FACE)
    return FaceMessage(
        sec,
        nanosec,
        frame_id,
        sequence,
        state,
        reader.floats(weights),
        reader.floats(confidence),
        _truths(observable),
        (x, y, z, w),
        age,
        reader.text(length),
    )


def read_reference(data: bytes) -> ReferenceMessage:
    """A face of another source.

    Raises:
        FaceMessageError: no such message.
    """
    reader = _Reader(data)
    sec, nanosec, length = reader.numbers(("iII",))
    frame_id = reader.text(length)
    source = reader.text(*reader.numbers((4, "I")))
    number, source_time, face_seen, weights, seen, confidence, head_seen, x, y, z, w = reader.numbers(_REFERENCE)
    return ReferenceMessage(
        sec,
        nanosec,
        frame_id,
        source,
        number,
        source_time,
        face_seen,
        reader.floats(weights),
        _truths(seen),
        reader.floats(confidence),
        (x, y, z, w) if head_seen else None,
    )


class _Reader:
    """Goes through the bytes of one message."""

    def __init__(self, data: bytes) -> None:
        written = _WRITTEN.get(bytes(data[:2]))
        if written is None:
            raise FaceMessageError(
                f"expected a message in plain CDR, found one that begins with {bytes(data[:4]).hex(' ') or 'nothing'}; "
                "use a middleware that writes plain CDR"
            )
        self._order, self._most = written
        self._data, self._at = data, _BODY

    def numbers(self, parts: tuple[str | int, ...]) -> tuple[Any, ...]:
        """What `parts` names, from here on."""
        layout = _layout(self._order, self._most, (self._at - _BODY) % 8, parts)
        try:
            found = layout.unpack_from(self._data, self._at)
        except struct.error as error:
            raise FaceMessageError(
                f"expected more than {len(self._data)} bytes, found no more: the message is cut off, or another one"
            ) from error
        self._at += layout.size
        return found

    def text(self, length: int) -> str:
        """One of so many bytes, of which the last is zero; what follows is aligned to 4 bytes."""
        end = self._at + length
        if not 0 < length <= LONGEST_TEXT or end > len(self._data):
            raise FaceMessageError(f"expected a text of 1 to {LONGEST_TEXT} bytes, found {length} bytes announced")
        found = bytes(self._data[self._at : end - 1]).decode("utf-8", "replace")
        self._at = end + -(end - _BODY) % 4
        return found

    def floats(self, raw: bytes) -> Floats:
        return np.frombuffer(raw, f"{self._order}f4")


def _truths(raw: bytes) -> Truths:
    found: Truths = np.frombuffer(raw, np.uint8) != 0
    return found


@lru_cache(maxsize=64)
def _layout(order: str, most: int, offset: int, parts: tuple[str | int, ...]) -> struct.Struct:
    """`parts` that begin so many bytes behind a multiple of 8; a number among them aligns what follows."""
    kinds = order
    for part in parts:
        if isinstance(part, int):
            kinds += f"{-(offset + struct.calcsize(kinds)) % min(part, most)}x"
        else:
            kinds += part
    return struct.Struct(kinds)
