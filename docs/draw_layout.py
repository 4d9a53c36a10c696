"""Draws a sensor layout on a face: `docs/layout.png` of `docs/wearing.md` comes from here.

    PYTHONPATH=src .venv/bin/python docs/draw_layout.py [LAYOUT] [FILE]

Numbers, names and muscles are those of the layout file, positions and axes those of `face_model.skin`: the picture
shows what the software believes. Run it again when a layout changes.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_model.layout import Sensor, SensorLayout, load_layout
from face_model.rig import FaceRig
from face_model.skin import skin_patches
from face_viz.raster import rasterise
from face_viz.relief import vertex_normals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL.Image import Image

Array = NDArray[np.float64]

BOARD_M: Final = math.sqrt(0.6e-4)
"""Side of a face unit of 0.6 cm2 (IMUSIC, arXiv 2402.03944), drawn square."""
ARROW_M: Final = 0.016
SIDE_TURN_DEG: Final = 80.0
"""The camera of the side view stands a little before the left ear, to see the cheek and the skull unit at once."""

X_COLOR, Y_COLOR, Z_COLOR = "#c8102e", "#2e7d32", "#1257a8"
INK, MUTED, PAPER = "#22262c", "#66707a", "#ffffff"
MUSCLE_COLORS: Final = ("#e07a1f", "#7b4fa3", "#12866f", "#b0336b", "#3c6fc0", "#8a6d12", "#4f8a10", "#5a5f66")
"""Taken in the order in which muscles appear in the layout; again from the first when there are more."""
SKULL_COLOR: Final = "#30353b"

FINE: Final = 3
"""Pixels along each side of a pixel, averaged."""
PICTURE_PX: Final = 620
TINT: Final = np.array([1.0, 0.935, 0.89])
"""Of the face, where it is brightest."""
TINT_STEPS: Final = 150


@dataclass(frozen=True)
class View:
    """A parallel projection: `axes` (3, 3) has the rows right, up and towards the viewer, in `face_head`."""

    axes: Array

    @classmethod
    def from_angle(cls, turn_deg: float) -> View:
        """Camera turned to the wearer's left: 0 looks at the face, 90 at the left ear."""
        cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
        return cls(np.array([[-sin, cos, 0.0], [0.0, 0.0, 1.0], [cos, sin, 0.0]]))

    def project(self, points: Array) -> Array:
        """Points (..., 3) to right, up and nearness, m."""
        return np.asarray(points @ self.axes.T)


@dataclass(frozen=True)
class Unit:
    """A sensor where the software expects it: `axes` (3, 3) has its x, y and z as rows, in `face_head`."""

    sensor: Sensor
    centre: Array
    axes: Array

    def corners(self) -> Array:
        """Outline of the board, (4, 3), m."""
        x, y = 0.5 * BOARD_M * self.axes[0], 0.5 * BOARD_M * self.axes[1]
        return np.asarray(self.centre + np.array([x + y, x - y, -x - y, -x + y]))


def typical_face() -> FaceRig:
    """The face that is drawn on: the only place here that knows where it comes from."""
    from face_model.faces import load_rig

    return load_rig()


def placed_units(rig: FaceRig, layout: SensorLayout) -> tuple[Unit, ...]:
    """Every unit of the layout on the relaxed face, in layout order."""
    patches = skin_patches(rig, layout)
    positions, orientations = patches.board_poses(np.zeros((1, arkit.COUNT)))
    axes = np.swapaxes(rotation.to_matrix(orientations[0]), -1, -2)
    return tuple(Unit(s, positions[0, i], axes[i]) for i, s in enumerate(layout.sensors))


def muscle_colors(layout: SensorLayout) -> dict[str, str]:
    """One colour for each muscle."""
    names = dict.fromkeys(s.muscle for s in layout.sensors if s.skull is None)
    return {name: MUSCLE_COLORS[i % len(MUSCLE_COLORS)] for i, name in enumerate(names)}


def draw_layout(layout: SensorLayout, rig: FaceRig | None = None) -> bytes:
    """PNG of the layout on `rig`, the typical face by default."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rig = rig or typical_face()
    units, colors = placed_units(rig, layout), muscle_colors(layout)
    figure = Figure(figsize=(15.0, 7.7), dpi=110, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    front = Panel(figure.add_axes((0.0, 0.0, 0.62, 0.92)), View.from_angle(0.0))
    side = Panel(figure.add_axes((0.62, 0.27, 0.38, 0.65)), View.from_angle(SIDE_TURN_DEG))
    _front(front, rig, units, colors)
    _side(side, rig, units, colors)
    _legend(figure.add_axes((0.62, 0.0, 0.38, 0.27)))
    figure.text(0.015, 0.945, f"Layout {layout.name}: {len(layout.sensors)} units", size=17, weight="bold", color=INK)
    for x, words in ((0.31, "seen from the front"), (0.81, "seen from the wearer's left")):
        figure.text(x, 0.945, words, size=12.5, color=MUTED, ha="center")
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
    file = BytesIO()
    _few_colors(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


def _few_colors(pixels: NDArray[np.uint8]) -> Image:
    """The picture with a palette: fine steps of the face's tint, and what else occurs; a quarter of the size."""
    from PIL import Image

    steps = np.rint(255.0 * np.linspace(0.22, 1.0, TINT_STEPS)[:, None] * TINT).astype(np.uint8)
    spread = (pixels / TINT).max(axis=-1) - (pixels / TINT).min(axis=-1)
    inks = [PAPER, INK, MUTED, X_COLOR, Y_COLOR, Z_COLOR, SKULL_COLOR, *MUSCLE_COLORS]
    left = 256 - TINT_STEPS - len(inks)
    others = Image.fromarray(pixels[spread > 12.0][None]).quantize(left, Image.Quantize.MEDIANCUT).getpalette() or []
    exact = [v for ink in inks for v in bytes.fromhex(ink[1:])]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*steps.reshape(-1).tolist(), *exact, *others[: 3 * left]])
    picture = Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.NONE)
    picture.paste(TINT_STEPS, mask=Image.fromarray((pixels == 255).all(axis=-1)))  # it takes white for the nearest tint
    return picture


def _front(panel: Panel, rig: FaceRig, units: Sequence[Unit], colors: dict[str, str]) -> None:
    panel.paint(rig)
    half_m = panel.half_m
    skin = [u for u in units if u.sensor.skull is None]
    for unit in skin:
        panel.board(unit, colors[unit.sensor.muscle])
    # The viewer's left is the wearer's right.
    for sign, side in ((-1.0, "right"), (1.0, "left")):
        column = sorted((u for u in skin if u.sensor.side == side), key=lambda u: -u.centre[2])
        heights = np.linspace(0.58, -0.62, max(len(column), 2)) * half_m
        for unit, height in zip(column, heights, strict=False):
            panel.label(unit, (sign * 0.755 * half_m, float(height)), colors[unit.sensor.muscle])
        panel.words((sign * 0.93 * half_m, 0.84 * half_m), f"wearer's {side}", 12.5)
    for count, unit in enumerate(u for u in skin if u.sensor.side == "midline"):
        panel.label(unit, (0.46 * half_m, (-0.87 - 0.13 * count) * half_m), colors[unit.sensor.muscle])


def _side(panel: Panel, rig: FaceRig, units: Sequence[Unit], colors: dict[str, str]) -> None:
    panel.paint(rig, aside=-0.065)
    for unit in units:
        skull = unit.sensor.skull is not None
        if skull:
            panel.board(unit, SKULL_COLOR)
            panel.label(unit, (0.67 * panel.half_m, -0.60 * panel.half_m), SKULL_COLOR, "behind the ear")
        elif panel.view.project(unit.axes[2])[2] > 0.1:
            panel.board(unit, colors[unit.sensor.muscle])
            at = panel.place(unit.centre - 0.0105 * unit.axes[0])
            panel.number(unit, (float(at[0]), float(at[1])), colors[unit.sensor.muscle], 8.5)


class Panel:
    """One view of the face and what is drawn on it; coordinates are m from the picture's middle.

    Args:
        axes: to draw on.
        view: of the face.
    """

    def __init__(self, axes: Axes, view: View) -> None:
        self.view = view
        self.half_m = 0.1
        self._axes = axes
        self._middle = np.zeros(3)

    def paint(self, rig: FaceRig, aside: float = 0.0) -> None:
        """Paint the face, from above the forehead to below the chin, and frame it, moved `aside` by half heights."""
        image, self._middle, self.half_m = _shaded(rig, self.view)
        h = self.half_m
        self._axes.imshow(image, extent=(-h, h, -h, h), interpolation="antialiased", zorder=0)
        box = self._axes.get_position()
        width, height = self._axes.get_figure().get_size_inches()  # type: ignore[union-attr]
        wide = h * (box.width * width) / (box.height * height)
        self._axes.set_xlim(-wide - aside * h, wide - aside * h)
        self._axes.set_ylim(-h, h)
        self._axes.axis("off")

    def place(self, points: Array) -> Array:
        """Points (..., 3) of the head on the panel, (..., 2)."""
        return np.asarray((self.view.project(points) - self._middle)[..., :2])

    def board(self, unit: Unit, color: str) -> None:
        """Outline and the axes x and z."""
        from matplotlib.patches import Polygon

        outline = self.place(unit.corners())
        self._axes.add_patch(Polygon(outline, closed=True, facecolor=color, edgecolor="white", lw=1.2, zorder=4))
        for axis, tint in ((2, Z_COLOR), (0, X_COLOR)):
            ends = self.place(unit.centre + np.array([0.0, ARROW_M])[:, None] * unit.axes[axis])
            _arrow(self._axes, ends[0], ends[1], tint)

    def label(self, unit: Unit, place: tuple[float, float], color: str, note: str = "") -> None:
        """Number, name and muscle beside the face, with a line to the board."""
        board = self.place(unit.centre)
        for width, tint, order in ((3.0, "white", 2), (1.4, color, 3)):
            self._axes.plot([board[0], place[0]], [board[1], place[1]], color=tint, lw=width, zorder=order)
        self.number(unit, place, color, 12)
        ha, away = ("left", 0.0075) if place[0] > 0 else ("right", -0.0075)
        lines = (
            (unit.sensor.name, 11.5, "bold", INK, 0.0002, "bottom"),
            (note or unit.sensor.muscle, 10.5, "normal", MUTED, -0.001, "top"),
        )
        for words, size, weight, tint, shift, va in lines:
            self._axes.text(
                place[0] + away, place[1] + shift, words, size=size, weight=weight, color=tint, ha=ha, va=va, zorder=7
            )

    def number(self, unit: Unit, place: tuple[float, float], color: str, size: float) -> None:
        """The unit's id in a disc."""
        disc = {"boxstyle": "circle,pad=0.25", "facecolor": color, "edgecolor": "white", "lw": 1.2}
        words = f"{unit.sensor.id}"
        self._axes.text(
            *place, words, size=size, weight="bold", color="white", ha="center", va="center", zorder=8, bbox=disc
        )

    def words(self, place: tuple[float, float], words: str, size: float) -> None:
        """A heading."""
        self._axes.text(*place, words, size=size, weight="bold", color=MUTED, ha="center", va="center")


def _shaded(rig: FaceRig, view: View) -> tuple[NDArray[np.uint8], Array, float]:
    """The face in pale clay, (PX, PX, 3), the point at its middle, (3,) as projected, and half its side, m."""
    vertices = rig.neutral.astype(np.float64)
    seen = view.project(vertices)
    marks = {name: seen[index] for name, index in rig.landmarks.items()}
    eyes, chin = 0.5 * (marks["pupil_left"] + marks["pupil_right"]), marks["chin"]
    length = float(eyes[1] - chin[1])
    skin = seen[rig.parts["skin"]]
    inside = (skin[:, 1] < eyes[1] + 0.8 * length) & (skin[:, 1] > chin[1])
    sides = skin[inside, 0]
    half_m = 0.5 * 2.36 * length
    middle = np.array([0.5 * (sides.min() + sides.max()), 0.5 * (eyes[1] + chin[1]) + 0.16 * length, 0.0])
    px = PICTURE_PX * FINE
    scale = 0.5 * px / half_m
    right, up, near = (seen - middle).T
    points = np.stack([0.5 * px + right * scale, 0.5 * px - up * scale, -near], axis=1)
    visible = rasterise(points, rig.triangles, px, px)
    normals = view.project(vertex_normals(vertices, rig.triangles).astype(np.float64))
    lit = np.clip(_clay(rig) * _light(normals)[:, None], 0.0, 1.0) * TINT
    fine = np.ones((px * px, 3))
    corner = rig.triangles[visible.triangle]
    fine[visible.pixel] = sum(visible.share[:, k, None] * lit[corner[:, k]] for k in range(3))
    mean = fine.reshape(PICTURE_PX, FINE, PICTURE_PX, FINE, 3).mean(axis=(1, 3))
    # It fades at the upper and lower edge, where the picture ends but the head does not.
    edge = np.abs(np.linspace(-1.0, 1.0, PICTURE_PX))
    fade = np.clip((edge - 0.86) / 0.13, 0.0, 1.0)[:, None, None]
    return np.rint(255.0 * (mean + (1.0 - mean) * fade)).astype(np.uint8), middle, half_m


def _clay(rig: FaceRig) -> Array:
    """Brightness of the face's own colours, (V, 1), most of it evened out: one tint, so that few colours are needed."""
    brightness = rig.colors / 255.0 @ np.array([0.2126, 0.7152, 0.0722])
    return np.asarray(0.40 * brightness + 0.58)[:, None]


def _light(normals: Array) -> Array:
    """Brightness by normals (V, 3) as the viewer sees them."""
    key = np.array([-0.35, 0.50, 0.80]) / np.linalg.norm([-0.35, 0.50, 0.80])
    return np.asarray(0.46 + 0.46 * np.clip(normals @ key, 0.0, 1.0) + 0.16 * np.clip(normals[:, 2], 0.0, 1.0))


def _arrow(axes: Axes, start: Array, end: Array, color: str) -> None:
    for width, tint, order in ((3.4, "white", 5), (1.8, color, 6)):
        style = {"arrowstyle": "-|>", "color": tint, "lw": width, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
        axes.annotate("", xy=(end[0], end[1]), xytext=(start[0], start[1]), zorder=order, arrowprops=style)


def _legend(axes: Axes) -> None:
    """One board, enlarged, seen from outside and a little from the side and from above."""
    from matplotlib.patches import Polygon

    axes.set_xlim(0.0, 5.1)
    axes.set_ylim(0.0, 1.9)
    axes.axis("off")
    turn, tip = math.radians(-32.0), math.radians(24.0)
    camera = np.array([[math.cos(turn), 0.0], [-math.sin(turn) * math.sin(tip), math.cos(tip)]])
    depth = np.array([math.sin(turn), -math.cos(turn) * math.sin(tip)])
    up, left, out = camera @ [0.0, 1.0], camera @ [-1.0, 0.0], depth
    middle = np.array([0.95, 0.85])
    corners = [middle + 0.33 * (a * up + b * left) for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    axes.add_patch(Polygon(corners, closed=True, facecolor="#b9c0c7", edgecolor=INK, lw=1.2))
    for way, tint, name in ((up, X_COLOR, "x"), (left, Y_COLOR, "y"), (out, Z_COLOR, "z")):
        _arrow(axes, middle, middle + 0.78 * way, tint)
        x, y = middle + 0.93 * way
        axes.text(x, y, name, size=13, weight="bold", color=tint, ha="center", va="center")
    lines = (
        (X_COLOR, "x  up along the skin"),
        (Z_COLOR, "z  out of the skin, away from the face"),
        (Y_COLOR, "y  to the left of whoever looks at the board"),
        (INK, "The skull unit: x up, z to the wearer's left."),
        (INK, "Boards are drawn to scale, 0.6 cm\u00b2 each."),
    )
    for row, (tint, words) in enumerate(lines):
        axes.text(1.75, 1.60 - 0.31 * row, words, size=11, color=tint, va="center")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture of a layout to a file."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("layout", nargs="?", default="face_12", help="name in config/layouts, or a .yaml file")
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).with_name("layout.png"))
    given = parser.parse_args(arguments)
    given.file.write_bytes(draw_layout(load_layout(given.layout)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
