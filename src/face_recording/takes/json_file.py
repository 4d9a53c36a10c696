"""A take as one JSON object, numbers as short as they can be and still the same float32. Schema: docs/recording.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_recording.takes.errors import TakeError
from face_recording.takes.npz_file import FORMAT
from face_recording.takes.take import STATES, TEXTS, Take

_MOST_BYTES = 4 << 30


def write_json(take: Take, path: Path) -> None:
    """Write a take to exactly this path."""
    head = {"format": FORMAT} | {key: getattr(take, key) for key in TEXTS}
    head |= {"count": len(take), "duration_s": take.duration_s, "rate_hz": take.rate_hz}
    head |= {"blendshapes": arkit.BLENDSHAPES, "states": STATES, "observable": list(_runs(take.observable))}
    columns: dict[str, NDArray[Any]] = {
        "stamps_ns": take.stamps_ns,
        "times_s": take.times_s,
        "sequence": take.sequence,
        "state": take.state,
        "age": take.age,
        "held": take.held,
        "head_orientation": take.head_orientation,
        "weights": take.weights,
        "confidence": take.confidence,
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, ensure_ascii=True, indent=1)[:-2])
        for name, values in columns.items():
            file.write(f',\n "{name}": [')
            for i in range(0, len(values), 1000):
                text = ",\n  ".join(_rows(values[i : i + 1000]))
                file.write(f"{',' if i else ''}\n  {text}")
            file.write("\n ]")
        file.write("\n}\n")


def read_json(path: Path) -> Take:
    """What `write_json` wrote.

    Raises:
        TakeError: it did not, or the file is damaged.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise TakeError(f"{path}: expected at most {_MOST_BYTES >> 30} GiB, found {path.stat().st_size} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT or tuple(found["blendshapes"]) != arkit.BLENDSHAPES:
            raise TakeError(
                f"{path}: expected {FORMAT!r} with the 52 ARKit shapes in their order, found something else"
            )
        count = len(found["stamps_ns"])
        return Take(
            stamps_ns=np.array(found["stamps_ns"], dtype=np.int64),
            sequence=np.array(found["sequence"], dtype=np.uint32),
            state=np.array(found["state"], dtype=np.uint8),
            weights=_table(found["weights"], arkit.COUNT, np.float32),
            confidence=_table(found["confidence"], arkit.COUNT, np.float32),
            observable=_unrolled(found["observable"], count),
            head_orientation=_table(found["head_orientation"], 4, np.float64),
            age=np.array([_NUMBERS.get(v, v) for v in found["age"]], dtype=np.float32),
            held=np.array(found["held"], dtype=np.bool_),
            **{key: str(found[key]) for key in TEXTS},
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise TakeError(f"expected a take that `imusic takes export` wrote in {path}, found: {error!r}") from error


_NUMBERS = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, None: np.nan}
"""JSON has no such numbers: they stand as text."""


def _rows(values: NDArray[Any]) -> list[str]:
    """JSON of each row; numpy writes the shortest text that gives the same number back in the array's own type."""
    if values.dtype.kind == "b":
        return ["true" if value else "false" for value in values.tolist()]
    texts = values.astype(str)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        texts = np.where(np.isfinite(values), texts, np.char.add(np.char.add('"', texts), '"'))
    rows: list[Any] = texts.tolist()
    return rows if values.ndim == 1 else [f"[{','.join(row)}]" for row in rows]


def _table(rows: list[list[Any]], width: int, kind: Any) -> NDArray[Any]:
    plain = [[_NUMBERS.get(v, v) if not isinstance(v, float) else v for v in row] for row in rows]
    return np.array(plain, dtype=kind).reshape(-1, width)


def _runs(observable: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    """Where the list of observable shapes changes: row, and names from there on."""
    changes = np.flatnonzero((observable[1:] != observable[:-1]).any(axis=1)) + 1 if len(observable) else ()
    for row in [0, *(int(i) for i in changes)] if len(observable) else []:
        yield {
            "from": row,
            "names": [name for name, seen in zip(arkit.BLENDSHAPES, observable[row], strict=True) if seen],
        }


def _unrolled(runs: list[dict[str, Any]], count: int) -> NDArray[np.bool_]:
    table = np.zeros((count, arkit.COUNT), dtype=np.bool_)
    for run, after in pairwise([*runs, {"from": count}]):
        table[run["from"] : after["from"], [arkit.INDEX[name] for name in run["names"]]] = True
    return table
