"""A take as a Parquet table, one row a face, bit for bit; needs pyarrow.

Columns: stamp_ns, sequence, state, age, held, head_x, head_y, head_z, head_w; then each blendshape by its name, and
with the prefixes `confidence_` and `observable_`. Texts stand in the schema's metadata under the key `imusic`, as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_recording.takes.errors import TakeError
from face_recording.takes.npz_file import FORMAT
from face_recording.takes.take import TEXTS, Take

_KEY = b"imusic"
_HEAD = ("head_x", "head_y", "head_z", "head_w")
_SINGLE = {"stamp_ns": "stamps_ns", "sequence": "sequence", "state": "state", "age": "age", "held": "held"}
"""Column to field."""


def pyarrow_parquet() -> Any:
    """The library.

    Raises:
        TakeError: it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise TakeError(
            f"Parquet needs pyarrow, found: {error}; pip install 'pyarrow>=14', or export to npz"
        ) from error
    return pyarrow.parquet


def write_parquet(take: Take, path: Path) -> None:
    """Write a take to exactly this path.

    Raises:
        TakeError: pyarrow is not installed.
    """
    parquet = pyarrow_parquet()
    import pyarrow as pa

    columns: dict[str, NDArray[Any]] = {column: getattr(take, key) for column, key in _SINGLE.items()}
    columns |= {name: take.head_orientation[:, i] for i, name in enumerate(_HEAD)}
    for prefix, table in (("", take.weights), ("confidence_", take.confidence), ("observable_", take.observable)):
        columns |= {prefix + name: table[:, i] for i, name in enumerate(arkit.BLENDSHAPES)}
    texts = {"format": FORMAT} | {key: getattr(take, key) for key in TEXTS}
    table = pa.table({name: pa.array(np.ascontiguousarray(values)) for name, values in columns.items()})
    parquet.write_table(table.replace_schema_metadata({_KEY: json.dumps(texts).encode()}), path, compression="zstd")


def read_parquet(path: Path) -> Take:
    """What `write_parquet` wrote.

    Raises:
        TakeError: it did not, the file is damaged, or pyarrow is not installed.
    """
    parquet = pyarrow_parquet()
    import pyarrow as pa

    try:
        table = parquet.read_table(path)
        texts = json.loads((table.schema.metadata or {})[_KEY])
        if texts.pop("format") != FORMAT:
            raise TakeError(f"{path}: expected {FORMAT!r}, found another format")

        def column(name: str) -> NDArray[Any]:
            return np.asarray(table.column(name).to_numpy())

        def block(prefix: str) -> NDArray[Any]:
            return np.stack([column(prefix + name) for name in arkit.BLENDSHAPES], axis=1)

        single: dict[str, Any] = {key: column(name) for name, key in _SINGLE.items()}
        words: dict[str, Any] = {key: str(texts[key]) for key in TEXTS}
        return Take(
            **single,
            weights=block(""),
            confidence=block("confidence_"),
            observable=block("observable_"),
            head_orientation=np.stack([column(name) for name in _HEAD], axis=1),
            **words,
        )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise TakeError(f"expected a take that `imusic takes export` wrote in {path}, found: {error}") from error
