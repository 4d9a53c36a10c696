"""A take as NumPy arrays in one .npz file, bit for bit.

The arrays have the names and types of `Take`'s fields; texts are arrays without axes; `blendshapes` names the columns
of weights and confidence; `format` says what it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from face_model import arkit
from face_model.npz import DAMAGE, read_arrays, write_arrays
from face_recording.takes.errors import TakeError
from face_recording.takes.take import ARRAYS, TEXTS, Take

FORMAT = "imusic take 1"
_MOST_BYTES = 4 << 30


def write_npz(take: Take, path: Path) -> None:
    """Write a take to exactly this path."""
    texts = {"format": FORMAT} | {key: getattr(take, key) for key in TEXTS}
    # NumPy drops zeros at the end of a text; none of these has any.
    arrays = {key: np.array(value.rstrip("\0")) for key, value in texts.items()}
    arrays["blendshapes"] = np.array(arkit.BLENDSHAPES)
    write_arrays(path, arrays | {key: getattr(take, key) for key in ARRAYS})


def read_npz(path: Path) -> Take:
    """What `write_npz` wrote.

    Raises:
        TakeError: it did not, or the file is damaged.
    """
    try:
        stored = read_arrays(path, _MOST_BYTES)
        texts: dict[str, Any] = {key: str(stored[key]) for key in ("format", *TEXTS)}
        if texts.pop("format") != FORMAT or tuple(stored["blendshapes"]) != arkit.BLENDSHAPES:
            raise TakeError(
                f"{path}: expected {FORMAT!r} with the 52 ARKit shapes in their order, found something else"
            )
        arrays: dict[str, Any] = {key: stored[key] for key in ARRAYS}
        return Take(**arrays, **texts)
    except DAMAGE as error:
        raise TakeError(f"expected a take that `imusic takes export` wrote in {path}, found: {error}") from error
