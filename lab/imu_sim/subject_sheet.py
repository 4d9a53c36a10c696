"""A contact sheet of random people of one family, as a picture to look through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from face_viz.picture import Painter
from face_viz.sheets import Cell, Progress, contact_sheet, weights_of
from imu_sim.families import FaceFamily

if TYPE_CHECKING:
    from PIL.Image import Image


def subject_sheet(family: FaceFamily, count: int = 12, progress: Progress = print) -> Image:
    """Random people: neutral from two sides, smiling, with the jaw open."""
    smile = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "cheekSquintLeft": 0.5, "cheekSquintRight": 0.5}
    poses = [({}, "front"), ({}, "side"), (smile, "front"), ({"jawOpen": 1.0}, "three-quarter")]
    cells = []
    for seed in range(1, count + 1):
        progress(f"person {seed}")
        painter = Painter(family.subject(seed), 240)
        cells.append(Cell(f"person {seed}", [painter.paint(weights_of(pose), view) for pose, view in poses]))
    return contact_sheet(cells, columns=3)
