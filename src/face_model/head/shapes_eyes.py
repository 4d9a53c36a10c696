"""Shapes of eyelids and eyeballs. Lids move over the eyeball, eyeballs turn about their centre."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model.head import proportions as prop
from face_model.head.eyes import EYE_CENTRE, margin, over_eyeball
from face_model.head.fields import Skin
from face_model.head.half import Array, Region, smoothstep

CLOSED_SHARE: Final = 0.16
"""Where closed lids meet, from the lower margin (0) to the upper (1)."""
LOOK_UP_DEG: Final = 24.0
LOOK_DOWN_DEG: Final = 28.0
LOOK_SIDE_DEG: Final = 30.0
SHUT_CLEARANCE_MM: Final = 1.3


def eye_shapes(skin: Skin) -> dict[str, Array]:
    """Left shapes of the eye, whole-mesh displacements (V, 3)."""
    mesh = skin.mesh
    rings = LidRings.left_of(skin)
    shut = rings.meet()
    made = {
        "eyeBlinkLeft": rings.moved(*shut, reach=0.62) + _blink_skin(skin),
        "eyeSquintLeft": rings.moved(-1.3, 2.9, reach=0.9) + _squint_skin(skin),
        "eyeWideLeft": rings.moved(2.6, -1.1, reach=0.8) + _wide_skin(skin),
        "eyeLookDownLeft": rings.moved(-4.2, -1.5, reach=0.6),
        "eyeLookUpLeft": rings.moved(2.0, 0.8, reach=0.7),
        "eyeLookInLeft": rings.sideways(-0.9),
        "eyeLookOutLeft": rings.sideways(0.9),
    }
    turns = {
        "eyeLookDownLeft": (0.0, -LOOK_DOWN_DEG),
        "eyeLookUpLeft": (0.0, LOOK_UP_DEG),
        "eyeLookInLeft": (-LOOK_SIDE_DEG, 0.0),
        "eyeLookOutLeft": (LOOK_SIDE_DEG, 0.0),
    }
    shapes = {name: skin.on_mesh(moved) for name, moved in made.items()}
    ball = mesh.parts["eye_left"]
    for name, (left_deg, up_deg) in turns.items():
        shapes[name][ball] = _turned(mesh.points[ball] - EYE_CENTRE, left_deg, up_deg)
    return shapes


def _turned(points: Array, left_deg: float, up_deg: float) -> Array:
    """Chord of a turn about the eyeball's centre, (N, 3)."""
    left, up = np.deg2rad([left_deg, up_deg])
    about_z = np.array([[np.cos(left), -np.sin(left), 0.0], [np.sin(left), np.cos(left), 0.0], [0.0, 0.0, 1.0]])
    about_y = np.array([[np.cos(up), 0.0, -np.sin(up)], [0.0, 1.0, 0.0], [np.sin(up), 0.0, np.cos(up)]])
    chord: Array = points @ (about_z @ about_y).T - points
    return chord


def _blink_skin(skin: Skin) -> Array:
    """The ring muscle that shuts the lids draws a little on cheek and brow; how much is a guess."""
    cheek = skin.around(42.0, -15.0, 11.0, 6.0)
    brow = skin.around(32.0, 17.0, 15.0, 7.0)
    return skin.lids_held() * skin.slide(-0.4 * cheek, 0.6 * cheek - 0.6 * brow, 0.35 * cheek)


def _squint_skin(skin: Skin) -> Array:
    cheek = skin.around(36.0, -18.0, 13.0, 6.0)
    foot = skin.around(51.0, -3.0, 6.0, 7.0)
    brow = skin.around(32.0, 15.0, 14.0, 6.0)
    return skin.lids_held() * skin.slide(-1.0 * foot, 2.0 * cheek - 1.2 * brow, 1.2 * cheek)


def _wide_skin(skin: Skin) -> Array:
    return skin.lids_held() * skin.slide(0.0, 1.6 * skin.around(32.0, 17.0, 15.0, 6.0))


class LidRings:
    """The rings around the left eye, moved by what their margin does."""

    @classmethod
    def left_of(cls, skin: Skin) -> LidRings:
        """The rings of a head's left eye."""
        return cls(skin, (skin.mesh.region[skin.index] == Region.LID) & (skin.y > 0.0))

    def __init__(self, skin: Skin, lid: NDArray[np.bool_]) -> None:
        self._skin = skin
        self._lid = lid
        vertices = skin.index[lid]
        self._s, self._phi = skin.mesh.s[vertices], skin.mesh.phi[vertices]
        self._points = skin.points[lid]
        self._height = np.sin(self._phi)

    def meet(self) -> tuple[Array, Array]:
        """Upward motion of upper and lower margin that brings them together, for each vertex by its ring angle."""
        top, bottom = margin(np.abs(self._phi))[:, 1], margin(-np.abs(np.angle(np.exp(1j * self._phi))))[:, 1]
        top = margin(np.abs(np.angle(np.exp(1j * self._phi))))[:, 1]
        line = bottom + CLOSED_SHARE * (top - bottom)
        return line - top, line - bottom

    def moved(self, upper_mm: Array | float, lower_mm: Array | float, reach: float) -> Array:
        """Displacement (K, 3): margins move by the given amounts up, the rings follow out to s = `reach`.

        Numbers fade out towards the corners of the eye; arrays, one value per lid vertex, are taken as they are.
        """
        up = np.where(self._height >= 0.0, upper_mm, lower_mm)
        if np.isscalar(upper_mm):
            up = up * np.abs(self._height) ** 0.8
        follow = (1.0 - smoothstep(0.0, 1.0, self._s / reach)) ** 0.8
        return self._slid(np.zeros_like(up), up * follow)

    def sideways(self, left_mm: float) -> Array:
        """Displacement (K, 3): the bulge of the cornea drags the lids along."""
        follow = 1.0 - smoothstep(0.0, 0.6, self._s)
        return self._slid(left_mm * follow * np.abs(self._height), 0.5 * np.zeros_like(follow))

    def _slid(self, left: Array, up: Array) -> Array:
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
        forward = (clear - self._points[:, 0]) * np.maximum(lying, 0.0)
        moved = np.zeros((len(self._skin.index), 3))
        moved[self._lid] = np.stack([forward, left, up], axis=-1)
        return moved
