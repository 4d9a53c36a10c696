"""Faces side by side: as they were and as they were estimated."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from face_evaluation.trials import Example
from face_viz.picture import Painter
from imu_sim.families import load_family
from imu_sim.realism.html_report import Figure

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE = 190
_TITLE_PX = 24
_INK, _PAPER = (40, 42, 48), (250, 250, 251)


def portraits(example: Mapping[str, Example]) -> Figure:
    """One row for the truth and for each contestant, one column for each moment, on the typical face of the family."""
    from PIL import Image, ImageDraw, ImageFont

    first = next(iter(example.values()))
    painter = Painter(load_family(first.face).typical(), SIZE)
    sheet = Image.new("RGB", (SIZE * len(first.weights), (SIZE + _TITLE_PX) * len(example)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, (name, each) in enumerate(example.items()):
        top = row * (SIZE + _TITLE_PX)
        draw.text((6, top + 4), name, _INK, ImageFont.load_default(14))
        for column, weights in enumerate(each.weights):
            sheet.paste(painter.paint(weights, "three-quarter"), (column * SIZE, top + _TITLE_PX))
    return Figure(_png(sheet), f"{first.take}: strongest moment of each sixth of the take.")


def _png(image: Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()
