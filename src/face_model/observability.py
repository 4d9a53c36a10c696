"""Which blendshapes face IMUs can see: measured on simulated faces, kept as a table beside this file.

`imusic realism --table src/face_model/observability.csv` measures it anew (`imu_sim.realism.observability_study`). No
real skin was involved. Everything that treats shapes apart by what sensors can tell reads it from here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

from face_model import arkit
from face_model.errors import FaceModelError
from face_model.outputs import write_whole

PARTLY: Final = 10.0
"""Signal over floor from which a shape counts as seen in part: 20 dB, so that half of it still stands out."""
CLEARLY: Final = 30.0
"""From here a shape is called clearly seen: about 30 dB."""

_PATH: Final = Path(__file__).with_name("observability.csv")


@dataclass(frozen=True)
class Visibility:
    """How well one blendshape is seen at weight 1, median over people.

    Attributes:
        shape: its name.
        sensor: the unit that sees it best in most people.
        tilt_deg: turn of that unit against gravity, degrees.
        rotation_deg: turn of that unit on the skull, degrees.
        rate_deg_s: its largest angular velocity while the shape comes in 0.35 s, degrees per second.
        force_m_s2: the largest change of its specific force meanwhile, turn of gravity included, m/s2.
        ratio: signal over floor, the better of tilt and angular velocity, in the best unit.
        held_ratio: tilt over floor in the unit where that is largest: what is left of a pose that is held.
    """

    shape: str
    sensor: str
    tilt_deg: float
    rotation_deg: float
    rate_deg_s: float
    force_m_s2: float
    ratio: float
    held_ratio: float


def visibility_class(ratio: float) -> str:
    """`clearly`, `partly` or `not`."""
    return "clearly" if ratio >= CLEARLY else "partly" if ratio >= PARTLY else "not"


def read_table(path: Path = _PATH) -> tuple[Visibility, ...]:
    """All 52 shapes in ARKit order.

    Raises:
        FaceModelError: the file is not such a table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        table = tuple(
            Visibility(row["shape"], row["sensor"], *(float(row[f.name]) for f in fields(Visibility)[2:]))
            for row in rows
        )
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise FaceModelError(f"expected a table of observability in {path}, found: {error!r}") from error
    if tuple(v.shape for v in table) != arkit.BLENDSHAPES:
        raise FaceModelError(f"{path}: expected the {arkit.COUNT} blendshapes in ARKit order, found {len(table)} rows")
    return table


def write_table(table: Iterable[Visibility], path: Path, note: str) -> None:
    """Write what `read_table` reads, with one line on how it was measured."""
    rows = [[f.name for f in fields(Visibility)]]
    rows += [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in astuple(row)] for row in table]

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(f"# {note}\n")
            csv.writer(file, lineterminator="\n").writerows(rows)

    write_whole(path, write)


TABLE: Final = read_table()

_HIDDEN_PATH: Final = Path(__file__).with_name("hidden_confidence.csv")


def read_hidden(path: Path = _HIDDEN_PATH) -> dict[str, float]:
    """How often the true weight of each hidden shape is within 0.1 of what is published, by its name.

    Raises:
        FaceModelError: the file is not such a table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        found = {row["shape"]: float(row["within"]) for row in rows}
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise FaceModelError(f"expected a table of hidden shapes in {path}, found: {error!r}") from error
    if not found.keys() <= set(arkit.BLENDSHAPES) or not all(0.0 < share < 1.0 for share in found.values()):
        raise FaceModelError(f"{path}: expected shares in (0, 1) of ARKit shapes, found {found}")
    return found


OBSERVABLE: Final[tuple[int, ...]] = tuple(i for i, v in enumerate(TABLE) if v.ratio >= PARTLY)
"""Indices of the blendshapes that skin-mounted IMUs can see at least in part."""

HIDDEN: Final[tuple[int, ...]] = tuple(i for i in range(arkit.COUNT) if i not in OBSERVABLE)
"""Indices of the others: what is published of them follows from what else the face does, or from nothing."""

WITHIN_OF_HIDDEN: Final[dict[str, float]] = read_hidden()
"""Most that the confidence of a hidden shape may claim; measured, see the file."""
