"""The face of a take beside the curves of its weights, frame by frame, drawn without OpenGL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_model.rig import FaceRig
from face_recording.takes.errors import TakeError
from face_recording.takes.take import STATES, TRACKING, Take
from face_viz.front_view import FrontView
from face_viz.picture import Painter

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

LANES: Final = 6
"""Curves that are shown where none are named: those of the shapes that move most."""
PAGE_S: Final = 10.0
"""Longer takes turn over: a page of this length at a time."""
ONE_PAGE_S: Final = 15.0
FACE_SHARE: Final = 0.45
"""Of the width, for the face."""
FINE: Final = 2
"""Pixels along each side of a pixel of the curves."""

INK, FAINT, PAPER, GRID = (40, 42, 48), (128, 132, 140), (250, 250, 251), (228, 230, 234)
LEFT, RIGHT, NOW = (0, 114, 178), (213, 94, 0), (90, 94, 102)
"""Blue and vermilion tell left from right for every eye (Okabe and Ito, "Color universal design", 2008)."""


@dataclass(frozen=True)
class Lane:
    """One or two curves in one strip: a shape, or its left and right one.

    Attributes:
        title: name of the shape without its side.
        shapes: indices, with their colours.
    """

    title: str
    shapes: tuple[tuple[int, tuple[int, int, int]], ...]


def lanes_of(take: Take, names: Sequence[str] = ()) -> list[Lane]:
    """Curves to draw: the named ones, or of those that sensors can see the ones that move most.

    Args:
        take: whose.
        names: of blendshapes, `jawOpen` or `mouthSmileLeft`, or stems of two, `mouthSmile`.

    Raises:
        TakeError: no such shape.
    """
    sides: dict[str, list[int]] = {}
    for i, name in enumerate(arkit.BLENDSHAPES):
        sides.setdefault(_stem(name), []).append(i)
    if names:
        return [_lane(name, sides) for name in names]
    seen = take.observable.any(axis=0)
    moves = np.nan_to_num(take.weights).std(axis=0) * np.where(seen, 1.0, 1e-3)
    strongest = sorted(sides, key=lambda stem: -float(moves[sides[stem]].max()))[:LANES]
    return [_lane(stem, sides) for stem in sorted(strongest, key=lambda stem: sides[stem][0])]


def pictures(take: Take, rig: FaceRig, width: int = 640, names: Sequence[str] = ()) -> Iterator[Image]:
    """One picture of each face of a take, all of one size: `width` and an even height.

    Raises:
        TakeError: no such shape, a width that is none, or no face.
    """
    if not 240 <= width <= 3840:
        raise TakeError(f"expected a width of 240 to 3840 pixels, found {width}")
    if not len(take):
        raise TakeError("expected faces to draw, found none in this take")
    from PIL import Image

    lanes = lanes_of(take, names)
    width -= width % 2
    side = round(width * FACE_SHARE / 2) * 2
    painter, front = Painter(rig, side), FrontView()
    paper = _Paper(take, lanes, width - side, side)
    heads = rotation.normalise(take.head_orientation)
    for i, (time_s, weights) in enumerate(zip(take.times_s.tolist(), take.weights, strict=True)):
        picture = Image.new("RGB", (width, side), PAPER)
        turn = front.turn(heads[i], time_s)
        picture.paste(painter.paint(np.nan_to_num(weights), turn=turn), (0, 0))
        picture.paste(paper.at(i, time_s), (side, 0))
        yield picture


class _Paper:
    """The curves: what stands still is drawn once a page."""

    def __init__(self, take: Take, lanes: list[Lane], width: int, height: int) -> None:
        self._take, self._lanes = take, lanes
        self._size = (width * FINE, height * FINE)
        self._left, self._right = 12 * FINE, (width - 14) * FINE
        self._top, self._bottom = round(0.035 * height) * FINE, height * FINE - round(0.1 * height) * FINE
        self._strip = (self._bottom - self._top) / len(lanes)
        self._page_s = take.duration_s if take.duration_s <= ONE_PAGE_S else PAGE_S
        self._page = -1
        self._still: Image | None = None
        self._font_px = max(8, min(13, round(height * 0.042))) * FINE

    def at(self, row: int, time_s: float) -> Image:
        """The curves, with a line at one face."""
        from PIL import Image, ImageDraw, ImageFont

        page = int(time_s / self._page_s) if self._page_s > 0.0 and self._page_s < self._take.duration_s else 0
        if page != self._page or self._still is None:
            self._page, self._still = page, self._drawn(page * self._page_s)
        picture = self._still.copy()
        draw = ImageDraw.Draw(picture)
        x = float(self._x(time_s - page * self._page_s))
        draw.line([(x, self._top), (x, self._bottom)], NOW, FINE)
        font = ImageFont.load_default(self._font_px)
        for k, lane in enumerate(self._lanes):
            for shape, color in lane.shapes:
                y = float(self._y(k, np.array([self._take.weights[row, shape]]))[0])
                r = 2.5 * FINE
                draw.ellipse([x - r, y - r, x + r, y + r], color)
        state = int(self._take.state[row])
        words = [f"{time_s:.1f} s"]
        if state != TRACKING and state < len(STATES):
            words.append(STATES[state])
        if self._take.held[row]:
            words.append("lost")
        draw.text((self._left, self._bottom + 4 * FINE), "  ".join(words), INK, font)
        return picture.resize((self._size[0] // FINE, self._size[1] // FINE), Image.Resampling.BOX)

    def _drawn(self, begins_s: float) -> Image:
        from PIL import Image, ImageDraw, ImageFont

        picture = Image.new("RGB", self._size, PAPER)
        draw, font = ImageDraw.Draw(picture), ImageFont.load_default(self._font_px)
        times = self._take.times_s - begins_s
        rows = np.flatnonzero((times >= 0.0) & (times <= self._page_s))
        xs = self._x(times[rows])
        for k, lane in enumerate(self._lanes):
            base = float(self._y(k, np.zeros(1))[0])
            draw.line([(self._left, base), (self._right, base)], GRID, FINE)
            for shape, color in lane.shapes:
                self._curve(draw, xs, self._y(k, self._take.weights[rows, shape]), color)
            draw.text((self._left, self._top + k * self._strip), lane.title, INK, font)
        if any(len(lane.shapes) > 1 for lane in self._lanes):
            right, left = "right", "left"
            y, gap = self._bottom + 4 * FINE, 8 * FINE
            x = self._right - draw.textlength(right, font)
            draw.text((x, y), right, RIGHT, font)
            draw.text((x - gap - draw.textlength(left, font), y), left, LEFT, font)
        return picture

    def _curve(
        self, draw: ImageDraw, xs: NDArray[np.float64], ys: NDArray[np.float64], color: tuple[int, int, int]
    ) -> None:
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        if len(points) > 1:
            draw.line(points, color, round(1.5 * FINE), joint="curve")

    def _x(self, since_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        share = np.asarray(since_s) / self._page_s if self._page_s > 0.0 else np.zeros(np.shape(since_s))
        return np.asarray(self._left + share * (self._right - self._left))

    def _y(self, lane: int, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Row of weights in a strip, whose title takes its upper part."""
        strip_top = self._top + lane * self._strip + 0.30 * self._strip
        height = 0.62 * self._strip
        values = np.clip(np.nan_to_num(weights.astype(np.float64)), -0.1, 1.2)
        return np.asarray(strip_top + height * (1.0 - values))


def _stem(name: str) -> str:
    return name.removesuffix("Left").removesuffix("Right") if arkit.mirrored(name) != name else name


def _lane(name: str, sides: dict[str, list[int]]) -> Lane:
    if name in sides:
        shapes = sides[name]
    elif name in arkit.INDEX:
        shapes = [arkit.INDEX[name]]
    else:
        raise TakeError(f"expected ARKit blendshapes such as jawOpen or mouthSmile, found {name!r}")
    return Lane(name, tuple((i, RIGHT if arkit.BLENDSHAPES[i].endswith("Right") else LEFT) for i in shapes))
