"""Contact sheets: every shape of a face, and combinations of shapes, as pictures to look through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.rig import FaceRig
from face_viz.picture import VIEWS, Painter

if TYPE_CHECKING:
    from PIL.Image import Image

Progress = Callable[[str], None]

TITLE_PX: Final = 22
INK, PAPER = (40, 42, 48), (250, 250, 251)

CHOICES: Final[tuple[tuple[tuple[str, ...], ...], ...]] = (
    (("browDown",), ("browInnerUp",), ("browInnerUp", "browOuterUp"), ()),
    (("eyeBlink",), ("eyeSquint",), ("eyeWide",), ("cheekSquint", "eyeSquint"), ()),
    (("jawOpen",), ("jawOpen", "mouthClose"), ("jawLeft",), ("jawForward",), ()),
    (
        ("mouthSmile",),
        ("mouthSmile", "cheekSquint"),
        ("mouthSmile", "mouthPucker"),
        ("mouthFrown", "mouthShrugLower"),
        ("mouthPucker",),
        ("mouthFunnel",),
        ("mouthStretch", "mouthLowerDown"),
        ("mouthRollLower", "mouthRollUpper", "mouthPress"),
        ("mouthUpperUp", "noseSneer"),
        ("mouthDimple", "mouthLeft"),
        ("cheekPuff", "mouthPucker"),
    ),
)
"""What a face does at once: one of each row, by the stems of the shapes' names."""


@dataclass(frozen=True)
class Cell:
    """One line of a sheet: a title over pictures side by side."""

    title: str
    pictures: Sequence[Image]


def shapes_sheet(rig: FaceRig, progress: Progress = print, size: int = 240) -> Image:
    """Neutral and every shape at weight 1, from three sides."""
    painter = Painter(rig, size)
    poses: dict[str, dict[str, float]] = {"neutral": {}} | {name: {name: 1.0} for name in arkit.BLENDSHAPES}
    # mouthClose is made for an open jaw.
    poses["mouthClose"] = {"jawOpen": 1.0, "mouthClose": 1.0}
    cells = []
    for name, pose in poses.items():
        progress(name)
        title = name if len(pose) < 2 else " + ".join(pose)
        if name in arkit.INDEX and not rig.deltas[arkit.INDEX[name]].any():
            title += " (not in this face)"
        cells.append(Cell(title, [painter.paint(weights_of(pose), view) for view in VIEWS]))
    return contact_sheet(cells, columns=4)


def combinations_sheet(rig: FaceRig, count: int = 20, seed: int = 1, progress: Progress = print) -> Image:
    """Random plausible combinations, from two sides."""
    painter = Painter(rig, 300)
    rng = np.random.default_rng(seed)
    cells = []
    for i in range(count):
        progress(f"combination {i + 1}")
        stems, weights = random_combination(rng)
        views = ("front", "three-quarter")
        cells.append(Cell(" + ".join(stems), [painter.paint(weights, view) for view in views]))
    return contact_sheet(cells, columns=4)


def weights_of(pose: Mapping[str, float]) -> NDArray[np.float32]:
    """(52,) weights from names."""
    weights = np.zeros(arkit.COUNT, np.float32)
    for name, value in pose.items():
        weights[arkit.INDEX[name]] = value
    return weights


def random_combination(rng: np.random.Generator) -> tuple[list[str], NDArray[np.float32]]:
    """Stems of what a face does at once, and (52,) weights: the sides differ a little."""
    stems: list[str] = []
    for row in CHOICES:
        stems += [stem for stem in row[rng.integers(len(row))] if stem not in stems]
    weights = np.zeros(arkit.COUNT, np.float32)
    for stem in stems:
        strength = rng.uniform(0.4, 1.0)
        for name in (stem, f"{stem}Left", f"{stem}Right"):
            if name in arkit.INDEX:
                weights[arkit.INDEX[name]] = min(1.0, strength * rng.uniform(0.85, 1.15))
    open_, close = arkit.INDEX["jawOpen"], arkit.INDEX["mouthClose"]
    weights[close] = weights[open_] if weights[close] else 0.0
    return stems or ["neutral"], weights


def contact_sheet(cells: Sequence[Cell], columns: int) -> Image:
    """Cells in rows of `columns`, each under its title."""
    from PIL import Image, ImageDraw, ImageFont

    first = cells[0].pictures
    wide, high = sum(p.width for p in first) + 8, first[0].height + TITLE_PX + 8
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * wide, rows * high), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, cell in enumerate(cells):
        x, y = i % columns * wide, i // columns * high
        sizes = (ImageFont.load_default(size) for size in (15, 13, 11, 9))
        font = next((f for f in sizes if draw.textlength(cell.title, f) < wide - 12), ImageFont.load_default(8))
        draw.text((x + 6, y + 3), cell.title, INK, font)
        for picture in cell.pictures:
            sheet.paste(picture, (x, y + TITLE_PX))
            x += picture.width
    return sheet
