"""Arrays of an .npz file, read only after their sizes were found bearable.

An archive of a megabyte may unpack to a thousand: the zip's directory and the header of each array say how large it
will be before anything is unpacked. Format: NumPy, "NEP 1, a simple file format for NumPy arrays".
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

MOST_BYTES: Final = 1 << 30
"""Of all arrays of a file together: more than any rig, profile or take holds."""

MOST_ARRAYS: Final = 10_000
DAMAGE: Final = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged file raises."""


def read_arrays(path: Path | IO[bytes], most_bytes: int = MOST_BYTES) -> dict[str, NDArray[Any]]:
    """Every array of an .npz file, or of one that is open, by name; none holds Python objects.

    Raises:
        ValueError: larger than `most_bytes`, or no such file; other errors of `DAMAGE` where it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ARRAYS:
            raise ValueError(f"expected at most {MOST_ARRAYS} arrays, found {len(entries)}")
        sizes = {entry.filename: _declared(archive, entry) for entry in entries}
        total = sum(sizes.values())
        if total > most_bytes:
            largest = max(sizes, key=lambda name: sizes[name])
            raise ValueError(
                f"expected arrays of at most {most_bytes >> 20} MiB together, found {total >> 20} ({largest}: "
                f"{sizes[largest] >> 20})"
            )
    if not isinstance(path, Path):
        path.seek(0)
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _declared(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Bytes that an entry takes, by its directory and by its own header, whichever says more."""
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, kind = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, kind = np.lib.format.read_array_header_2_0(file)
    if kind.hasobject:
        raise ValueError(f"expected plain numbers and text in {entry.filename}, found Python objects")
    return max(entry.file_size, math.prod(shape) * kind.itemsize)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays, compressed, to exactly this path, whatever its ending."""
    with path.open("wb") as file:
        np.savez_compressed(file, **dict[str, Any](arrays))
