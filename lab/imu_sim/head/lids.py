"""Lids that slide on the eyeball, and eyeballs that look: all shapes of the left eye, on the mean head."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu_sim.head import proportions as prop
from imu_sim.head.anatomy import Side
from imu_sim.head.eyes import EYE_CENTRE, margin, over_eyeball
from imu_sim.head.fields import MuscleSkin, Skin
from imu_sim.head.half import Array, Region, smoothstep

LOOK_DEG: Final[dict[str, tuple[float, float]]] = {
    "eyeLookDownLeft": (0.0, -28.0),
    "eyeLookUpLeft": (0.0, 24.0),
    "eyeLookInLeft": (-30.0, 0.0),
    "eyeLookOutLeft": (30.0, 0.0),
}
"""Turn of the eyeball at weight 1, left and up; guesses."""
OPEN_MM: Final = (0.8, -0.4)
"""What one deviation of `Identity.eye_open` does to upper and lower margin: height of the eye's opening 10.5, deviation
1.2 mm (L. G. Farkas, 1994)."""
SHUT_CLEARANCE_MM: Final = 1.3
SQUINT_MM: Final[dict[str, tuple[float, float]]] = {"eyeSquint": (-1.3, 2.6), "cheekSquint": (-0.4, 1.9)}
"""Upward motion of upper and lower margin."""
CORNER_FADE: Final = 1.4
"""Power of the ring angle's sine with which motions fade to the corners: near that of the margin itself, so that lids
that do not meet in the middle do not meet anywhere."""
MEETING_SHIFT_MM: Final[dict[str, float]] = {
    "eyeSquintLeft": 0.9,
    "cheekSquintLeft": 0.7,
    "eyeLookDownLeft": -0.9,
    "eyeLookUpLeft": 0.3,
    "eyeWideLeft": 0.0,
}
"""How far the line where shut lids meet goes up when another shape is added to a blink; guesses."""


class Lids:
    """The rings around the left eye of one person, moved by what their margin does."""

    def __init__(self, skin: Skin, side: Side, eye_open: float) -> None:
        self._skin, self._side = skin, side
        self._lid = (skin.mesh.region[skin.index] == Region.LID) & (skin.y > 0.0)
        vertices = skin.index[self._lid]
        self._s, phi = skin.mesh.s[vertices], skin.mesh.phi[vertices]
        self._height = np.sin(phi)
        self._fade = np.abs(self._height) ** CORNER_FADE
        turn = np.abs(np.angle(np.exp(1j * phi)))
        self._top, self._bottom = margin(turn)[:, 1], margin(-turn)[:, 1]
        self._points, self._aperture = skin.points[self._lid], 1.0
        upper, lower = (eye_open * step for step in OPEN_MM)
        self.opening = self.moved(upper, lower, reach=0.8)
        """(K, 3) from the mean head's lids to this person's."""
        self._points = self._points + self.opening[self._lid]
        self._top, self._bottom = self._top + upper * self._fade, self._bottom + lower * self._fade
        neutral = prop.LID_FRAME.upper_peak - prop.LID_FRAME.lower_peak
        self._aperture = (neutral + upper - lower) / neutral

    def moved(self, upper_mm: float, lower_mm: float, reach: float) -> Array:
        """Displacement (K, 3): margins move up by the given amounts, less on narrower eyes and towards the corners.

        The rings follow out to s = `reach`.
        """
        up = np.where(self._height >= 0.0, upper_mm, lower_mm) * self._fade * self._aperture
        return self._slid(np.zeros_like(up), up, reach)

    def gain(self, shape: str) -> float:
        """How far the lids go in a shape, relative: they have little room and differ less than the skin around them."""
        return float(np.sqrt(self._side.pull(shape).gain))

    def squinted(self, *shapes: str) -> Array:
        """Displacement (K, 3) by some of `SQUINT_MM` together."""
        upper, lower = (sum(self.gain(shape) * SQUINT_MM[shape][k] for shape in shapes) for k in (0, 1))
        return self.moved(upper, lower, reach=0.9)

    def shut(self, share: float = 1.0, shift_mm: float = 0.0) -> Array:
        """Displacement (K, 3) of a blink on its way: lids that have gone `share` of the way to where they meet."""
        line = self._bottom + self._side.lids_meet * (self._top - self._bottom) + shift_mm * self._fade
        up = share * (line - np.where(self._height >= 0.0, self._top, self._bottom))
        return self._slid(np.zeros_like(up), up, reach=0.62)

    def cleared(self, moved: Array) -> Array:
        """Displacements (B, K, 3) with lid skin that slid into the eyeball brought out again."""
        at = self._points + moved[:, self._lid]
        surface = over_eyeball(at[..., 1], at[..., 2])
        # Where the neutral lid lies lower than the sphere, at the corners, it need not rise.
        allowed = np.minimum(self._points[:, 0] - over_eyeball(self._points[:, 1], self._points[:, 2]), 0.0)
        cleared = moved.copy()
        cleared[:, self._lid, 0] += np.clip(surface + allowed - at[..., 0], 0.0, None)
        return cleared

    def sideways(self, left_mm: float) -> Array:
        """Displacement (K, 3): the bulge of the cornea drags the lids along."""
        left = np.full(len(self._s), left_mm) * np.abs(self._height)
        return self._slid(left, np.zeros_like(left), reach=0.6)

    def _slid(self, left: Array, up: Array, reach: float) -> Array:
        follow = (1.0 - smoothstep(0.0, 1.0, self._s / reach)) ** 0.8
        left, up = left * follow, up * follow
        y, h = self._points[:, 1] + left, self._points[:, 2] + up
        before = over_eyeball(self._points[:, 1], self._points[:, 2])
        lying = 1.0 - smoothstep(0.30, 0.80, self._s)
        # On the eyeball the lid follows it; away from it the face's own form stays.
        kept = self._points[:, 0] - before
        travelled = np.clip(np.hypot(left, up) / 3.0, 0.0, 1.0)
        clear = (
            over_eyeball(y, h)
            + kept * (1.0 - lying * travelled)
            + (SHUT_CLEARANCE_MM - prop.LID_THICKNESS) * travelled * lying
        )
        forward = (clear - self._points[:, 0]) * lying
        moved = np.zeros((len(self._skin.index), 3))
        moved[self._lid] = np.stack([forward, left, up], axis=-1)
        return moved


def eye_shapes(skin: Skin, side: Side, lids: Lids) -> dict[str, Array]:
    """Left shapes of the lids, skin displacements (K, 3). eyeWide and gaze move lids alone, no skin around them."""
    wide, down, up, aside = (lids.gain(name) for name in ("eyeWide", "eyeLookDown", "eyeLookUp", "eyeLookIn"))
    return {
        "eyeBlinkLeft": lids.shut() + _blink_skin(MuscleSkin(skin, side.pull("eyeBlink"))),
        "eyeSquintLeft": lids.squinted("eyeSquint") + _squint_skin(MuscleSkin(skin, side.pull("eyeSquint"))),
        "eyeWideLeft": lids.moved(2.6 * wide, -1.1 * wide, 0.8),
        "eyeLookDownLeft": lids.moved(-3.9 * down, -1.5 * down, 0.6),
        "eyeLookUpLeft": lids.moved(2.0 * up, 0.8 * up, 0.7),
        "eyeLookInLeft": lids.sideways(-0.9 * aside),
        "eyeLookOutLeft": lids.sideways(0.9 * aside),
    }


def lid_correctives(skin: Skin, made: dict[str, Array], lids: Lids) -> dict[tuple[str, str], Array]:
    """Lids ride over the eyeball half-way, and shut lids stay shut whatever else pulls at them; (K, 3) each."""
    shut = lids.shut()
    ring = (skin.mesh.region[skin.index] == Region.LID)[:, None] & (skin.y > 0.0)[:, None]
    found = {("eyeBlinkLeft", "eyeBlinkLeft"): lids.shut(share=0.5) - 0.5 * shut}
    both = lids.squinted("eyeSquint", "cheekSquint")
    found["eyeSquintLeft", "cheekSquintLeft"] = both - lids.squinted("eyeSquint") - lids.squinted("cheekSquint")
    for name, shift in MEETING_SHIFT_MM.items():
        # What the other shape does to the lids is taken back; the line where they meet goes along instead.
        taken = np.where(ring, made[name], 0.0) * (1.0 - skin.lids_held)
        found["eyeBlinkLeft", name] = lids.shut(shift_mm=shift) - shut - taken
    return found


def gaze(points: Array, shape: str, gain: float) -> Array:
    """Chord of the left eyeball's turn about its centre in one of `LOOK_DEG`, (N, 3)."""
    left, up = gain * np.deg2rad(LOOK_DEG[shape])
    about_z = np.array([[np.cos(left), -np.sin(left), 0.0], [np.sin(left), np.cos(left), 0.0], [0.0, 0.0, 1.0]])
    about_y = np.array([[np.cos(up), 0.0, -np.sin(up)], [0.0, 1.0, 0.0], [np.sin(up), 0.0, np.cos(up)]])
    from_centre = points - EYE_CENTRE
    chord: Array = from_centre @ (about_z @ about_y).T - from_centre
    return chord


def _blink_skin(at: MuscleSkin) -> Array:
    """The ring muscle that shuts the lids draws a little on cheek and brow; how much is a guess."""
    cheek = at.around(42.0, -15.0, 11.0, 6.0)
    brow = at.around(32.0, 17.0, 15.0, 7.0)
    return at.skin.lids_held * at.slide(-0.4 * cheek, 0.6 * cheek - 0.6 * brow, 0.35 * cheek)


def _squint_skin(at: MuscleSkin) -> Array:
    cheek = at.around(36.0, -18.0, 13.0, 6.0)
    foot = at.around(51.0, -3.0, 6.0, 7.0)
    brow = at.around(32.0, 15.0, 14.0, 6.0)
    return at.skin.lids_held * at.slide(-1.0 * foot, 2.0 * cheek - 1.2 * brow, 1.2 * cheek)
