"""Rows and columns of a Live Link Face CSV, as the app wrote them or as a spreadsheet program saved them again."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import LiveLinkError

Floats = NDArray[np.float64]

HEAD_COLUMNS = ("headyaw", "headpitch", "headroll")
_MAY_BE_ABSENT = "tongueOut"
"""Files with 51 weights lack it: face tracking before iOS 12 did not know the tongue."""

_LARGEST_FILE = 1 << 28
"""Bytes; an hour at 60 fps has 130 MB."""


@dataclass(frozen=True)
class Table:
    """A file's cells.

    Attributes:
        codes: (T,) timecodes as written.
        values: (T, 55) weights in `arkit.BLENDSHAPES` order, then yaw, pitch and roll of the head; NaN in a whole row
            where the face was lost or a cell makes no sense; zero in a column that is not there.
        no_sense: (T,) bool, rows with a face in which a cell is no number.
        absent: blendshapes that have no column.
    """

    codes: tuple[str, ...]
    values: Floats
    no_sense: NDArray[np.bool_]
    absent: tuple[str, ...]


def read_table(path: Path) -> Table:
    """Cells of a file, with commas, semicolons or tabs between them.

    Raises:
        LiveLinkError: no such file, not a Live Link Face CSV, or columns are missing or doubled.
    """
    text = _text(path)
    first = text.lstrip("\n\r").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise LiveLinkError(f"{path}: expected CSV text, found: {error}; export the take again") from error
    if not rows:
        raise LiveLinkError(f"{path}: expected a header and rows, found an empty file")
    header = [cell.strip().lower() for cell in rows[0]]
    code, count, columns = _columns(path, header)
    if not rows[1:]:
        raise LiveLinkError(f"{path}: expected rows after the header, found none; record the take again")
    decimal_comma = delimiter != ","
    codes, values, no_sense = [], np.full((len(rows) - 1, len(columns)), np.nan), np.zeros(len(rows) - 1, dtype=bool)
    for i, row in enumerate(rows[1:]):
        cells = [cell.replace(",", ".") for cell in row] if decimal_comma else row
        codes.append(cells[code].strip() if code < len(cells) else "")
        # A lost face is a row that ends here, or one of zeros; both count 0 shapes.
        if len(cells) <= max(columns) or cells[count].strip() in ("0", "0.0"):
            continue
        try:
            numbers = [float(cells[c]) if c >= 0 else 0.0 for c in columns]
        except ValueError:
            no_sense[i] = True
            continue
        if np.isfinite(numbers).all():
            values[i] = numbers
    absent = tuple(name for name, c in zip(arkit.BLENDSHAPES, columns, strict=False) if c < 0)
    return Table(tuple(codes), values, no_sense, absent)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise LiveLinkError(
                f"{path}: expected a take of at most {_LARGEST_FILE >> 20} MiB, found {path.stat().st_size >> 20}; "
                "cut it into shorter ones"
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise LiveLinkError(f"expected a Live Link Face CSV at {path}, found no file; check the path") from error
    except OSError as error:
        raise LiveLinkError(f"expected a readable file at {path}, found: {error}") from error
    try:
        # The phone writes UTF-8 without a mark; spreadsheet programs that save the file again write a mark or UTF-16.
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise LiveLinkError(f"{path}: expected CSV text, found: {error}; export the take again") from error


def _columns(path: Path, header: list[str]) -> tuple[int, int, list[int]]:
    """Column of the timecode, of the count, and of each value of `Table.values` (-1: absent)."""
    place = {name: i for i, name in enumerate(header)}
    if "timecode" not in place or "blendshapecount" not in place:
        raise LiveLinkError(
            f"{path}: expected the header of a Live Link Face CSV (Timecode,BlendShapeCount,...), "
            f"found {','.join(header[:4])!r}; give the CSV that the phone app wrote"
        )
    wanted = ("timecode", "blendshapecount", *(name.lower() for name in arkit.BLENDSHAPES), *HEAD_COLUMNS)
    number = Counter(header)
    doubled = [name for name in wanted if number[name] > 1]
    if doubled:
        raise LiveLinkError(
            f"{path}: expected each column once, found {', '.join(doubled)} twice or more; which of them is right "
            "cannot be told: export the take again"
        )
    missing = [name for name in arkit.BLENDSHAPES if name.lower() not in place and name != _MAY_BE_ABSENT]
    if missing:
        shown = ", ".join(name[0].upper() + name[1:] for name in missing)
        raise LiveLinkError(f"{path}: expected all {arkit.COUNT} ARKit columns, missing {shown}; export the take again")
    columns = [place.get(name.lower(), -1) for name in arkit.BLENDSHAPES]
    return place["timecode"], place["blendshapecount"], columns + [place.get(name, -1) for name in HEAD_COLUMNS]
