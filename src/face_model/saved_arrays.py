"""States as named arrays: to the bytes of an npz archive and back, with nothing believed that comes from outside.

A snapshot may be anybody's: it is sent on a topic and kept in files. So it holds no Python objects, its size is known
before it is unpacked, and every array is asked for with the type, shape and bounds that it must have.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_model.errors import SnapshotError
from face_model.npz import DAMAGE, read_arrays

Arrays = dict[str, NDArray[Any]]

MOST_BYTES: Final = 32 << 20
"""Of a snapshot, packed and unpacked: that of the shipped model has a quarter of a megabyte."""

_TEXT: Final = "u1"


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays as an npz archive, not compressed: packing must not take long."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict[str, Any](arrays))
    return buffer.getvalue()


def unpacked(data: bytes) -> Arrays:
    """What `packed` packed.

    Raises:
        SnapshotError: larger than `MOST_BYTES`, damaged, or no such archive.
    """
    if len(data) > MOST_BYTES:
        raise SnapshotError(
            f"expected a snapshot of at most {MOST_BYTES} bytes, found {len(data)}; replay from another one"
        )
    try:
        return read_arrays(io.BytesIO(data), MOST_BYTES)
    except DAMAGE as error:
        raise SnapshotError(
            f"expected a snapshot, an npz archive of plain arrays, found {str(error)[:200]!r}; replay from another one"
        ) from error


def text_array(text: str) -> NDArray[np.uint8]:
    """A text as an array, for `SavedArrays.text`."""
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)


def part_of(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The arrays of a part, to be found again by `SavedArrays.part`."""
    return {f"{name}.{key}": array for key, array in arrays.items()}


class SavedArrays:
    """A state from outside, whose arrays are taken one by one, each with what it must be; at the end none is left.

    Args:
        arrays: by name.
        where: what they are of, for messages.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], where: str = "state") -> None:
        self._left = dict(arrays)
        self._where = where

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def has_part(self, name: str) -> bool:
        """Whether there is anything of a part."""
        return any(key.startswith(f"{name}.") for key in self._left)

    def part(self, name: str) -> SavedArrays:
        """What `part_of` put together, taken out of here."""
        prefix = f"{name}."
        found = {key: self._left.pop(key) for key in list(self._left) if key.startswith(prefix)}
        return SavedArrays({key.removeprefix(prefix): a for key, a in found.items()}, f"{self._where}.{name}")

    def array(
        self,
        name: str,
        shape: tuple[int | None, ...],
        kinds: str = "f8",
        *,
        finite: bool = True,
        most: float = math.inf,
        most_rows: int = 1 << 20,
    ) -> NDArray[Any]:
        """An array of its own memory.

        Args:
            name: of the array.
            shape: None for an axis of any length up to `most_rows`.
            kinds: types that it may have, as numpy writes them without the byte order, with spaces between.
            finite: whether all values must be.
            most: largest magnitude of a value.
            most_rows: see `shape`.

        Raises:
            SnapshotError: there is none, or it is another.
        """
        found = self._left.pop(name, None)
        if found is None:
            raise self._refusal(name, "to be there", "none")
        if found.dtype.str[1:] not in kinds.split() or not found.dtype.isnative:
            raise self._refusal(name, f"of type {kinds}", found.dtype.str)
        if len(found.shape) != len(shape) or any(
            (n > most_rows if wanted is None else n != wanted) for n, wanted in zip(found.shape, shape, strict=True)
        ):
            raise self._refusal(name, f"of shape {shape}", str(found.shape))
        if found.dtype.kind == "f":
            if finite and not np.isfinite(found).all():
                raise self._refusal(name, "of finite values", "others")
            if most < math.inf and (np.abs(found) > most).any():
                raise self._refusal(name, f"of values up to {most:g}", f"{float(np.nanmax(np.abs(found))):g}")
        return np.array(found, order="C")

    def number(self, name: str, least: float = -math.inf, most: float = math.inf, *, finite: bool = True) -> float:
        """A number from `least` to `most`; not NaN even where it need not be finite.

        Raises:
            SnapshotError: there is none, or it is out of bounds.
        """
        value = float(self.array(name, (), finite=finite))
        if not least <= value <= most:
            raise self._refusal(name, f"from {least:g} to {most:g}", f"{value:g}")
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`.

        Raises:
            SnapshotError: there is none, or it is out of bounds.
        """
        value = int(self.array(name, (), "i8 u8"))
        if not least <= value <= most:
            raise self._refusal(name, f"from {least} to {most}", str(value))
        return value

    def flag(self, name: str) -> bool:
        """Yes or no; raises `SnapshotError`."""
        return bool(self.array(name, (), "b1"))

    def text(self, name: str, most: int = 10_000) -> str:
        """A text of at most `most` bytes; raises `SnapshotError`."""
        data = self.array(name, (None,), _TEXT, most_rows=most).tobytes()
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise self._refusal(name, "to be a text", str(error)) from error

    def refuse(self, expected: str, found: object) -> SnapshotError:
        """The error for what is right array by array, but not together."""
        return SnapshotError(f"expected {self._where} with {expected}, found {found}; replay from another snapshot")

    def end(self) -> None:
        """Nothing may be left.

        Raises:
            SnapshotError: there are arrays that nobody asked for: of another version.
        """
        if self._left:
            names = ", ".join(sorted(self._left))[:200]
            raise self.refuse("nothing else", f"{names}: another version of imusic wrote it")

    def _refusal(self, name: str, expected: str, found: str) -> SnapshotError:
        return SnapshotError(
            f"expected {self._where}.{name} {expected}, found {found}; replay from another snapshot, with the version "
            "and the model that it was recorded with"
        )
