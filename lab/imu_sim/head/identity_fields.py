"""What one standard deviation of each measure of `Identity` does to the mean head, in construction millimetres.

Every field is smooth in space, so that skin, teeth and lining move together, lips that meet still meet, and the shapes'
motions can be carried along by the field's gradient.

Sources of the spreads, rounded, both sexes pooled: [Z] Z. Zhuang, B. Bradtmiller, J. Occup. Environ. Hyg. 2, 2005;
[F] L. G. Farkas, "Anthropometry of the Head and Face", 1994. A spread with neither is a guess; what a wider measure
brings along already is taken off (a long face has a long nose).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu_sim.head import proportions as prop
from imu_sim.head.eyes import EYE_CENTRE
from imu_sim.head.half import Array, Region, smoothstep
from imu_sim.head.identity import NAMES
from imu_sim.head.mesh import HeadMesh
from imu_sim.head.surface import nose

HOLD: Final = (0.80, 1.30)
"""Around an eye, in radii of its outline: one piece within the first, as the face moves beyond the second."""

EARS: Final = np.array([0.0, 0.0, -prop.PUPIL_HEIGHT_MM])
"""Middle between the ears."""


@dataclass(frozen=True)
class Places:
    """Points of the mean head and what they belong to, `N` of them.

    Attributes:
        points: (N, 3) mm.
        region: (N,) `Region`.
        lip_s, lip_up: (N,) ring around the mouth and sine of the ring angle; s is 2 off the lips.
    """

    points: Array
    region: NDArray[np.int64]
    lip_s: Array
    lip_up: Array

    @classmethod
    def of(cls, mesh: HeadMesh) -> Places:
        """Vertices of the head, then both hinges of the jaw (see `hinges`)."""
        region = np.append(mesh.region, [Region.TEETH_LOWER] * 2)
        lip = mesh.region == Region.LIP
        hinge = np.array([[prop.JAW_HINGE[0], side * 48.0, prop.JAW_HINGE[1]] for side in (1.0, -1.0)])
        return cls(
            np.concatenate([mesh.points, hinge]),
            region,
            np.append(np.where(lip, mesh.s, 2.0), [2.0, 2.0]),
            np.append(np.where(lip, np.sin(mesh.phi), 0.0), [0.0, 0.0]),
        )

    def moved(self, step: Array) -> Places:
        """The same points elsewhere: `step` is (3,)."""
        return Places(self.points + step, self.region, self.lip_s, self.lip_up)

    @property
    def x(self) -> Array:
        """(N,) forward."""
        return self.points[:, 0]

    @property
    def y(self) -> Array:
        """(N,) to the subject's left."""
        return self.points[:, 1]

    @property
    def h(self) -> Array:
        """(N,) above the pupil line."""
        return self.points[:, 2]

    @property
    def front(self) -> Array:
        """(N,) 1 on the face, 0 on the back of the head."""
        return smoothstep(0.0, 55.0, self.x)

    def spot(self, y: float, h: float, sigma_y: float, sigma_h: float) -> Array:
        """Gaussian falloff seen from the front, on both sides, (N,)."""
        near: Array = self.front * np.exp(
            -0.5 * (((np.abs(self.y) - y) / sigma_y) ** 2 + ((self.h - h) / sigma_h) ** 2)
        )
        return near

    def band(self, low: float, high: float, edge: float) -> Array:
        """(N,) 1 between two heights, with soft edges."""
        return smoothstep(low - edge, low + edge, self.h) * (1.0 - smoothstep(high - edge, high + edge, self.h))

    def held(self) -> Array:
        """(N,) 1 around and inside either eye, where the fields may only move and scale."""
        y, h, half_y, half_h = prop.EYE_PATCH
        rho = np.hypot((np.abs(self.y) - y) / half_y, (self.h - h) / half_h)
        held = (1.0 - smoothstep(*HOLD, rho)) * smoothstep(30.0, 60.0, self.x)
        return np.where(np.isin(self.region, (Region.EYE, Region.SOCKET)), 1.0, held)


def _vector(x: Array | float, y: Array | float, h: Array | float, like: Array) -> Array:
    zero = np.zeros_like(like)
    return np.stack([zero + x, zero + y, zero + h], axis=-1)


def _forward(amount: Array) -> Array:
    return _vector(amount, 0.0, 0.0, amount)


def _left(amount: Array) -> Array:
    return _vector(0.0, amount, 0.0, amount)


def _up(amount: Array) -> Array:
    return _vector(0.0, 0.0, amount, amount)


def _side(p: Places, width: float) -> Array:
    """(N,) from -1 on the right to 1 on the left, smooth across the midline."""
    return np.tanh(p.y / width)


def _head_size(p: Places) -> Array:
    # Head circumference 571 mm, deviation 18 mm [Z]; about the line between the ears.
    moved: Array = 0.030 * (p.points - EARS)
    return moved


def _head_breadth(p: Places) -> Array:
    # Head breadth 150, deviation 6.6 mm [Z].
    return _left(6.6 / 150.0 * p.y * smoothstep(-30.0, 40.0, p.h))


def _head_depth(p: Places) -> Array:
    # Head length 192, deviation 8.8 mm [Z], all of it behind the ears, so that the face stays in its place.
    return _forward(8.8 / 95.0 * np.minimum(p.x, 0.0) * smoothstep(-150.0, -60.0, p.h) * smoothstep(0.0, -25.0, p.x))


def _face_breadth(p: Places) -> Array:
    # Bizygomatic breadth 139, deviation 7.9 mm [Z].
    return _left(7.9 / 139.0 * p.y * p.band(-105.0, 30.0, 35.0) * smoothstep(-60.0, 10.0, p.x))


def _face_length(p: Places) -> Array:
    # Menton to sellion 118, deviation 8.0 mm [Z]. The neck below takes it up again.
    down = np.clip(6.0 - p.h, 0.0, 118.0) ** 2 / (12.0 + np.clip(6.0 - p.h, 0.0, 118.0))
    return _up(-8.0 / 107.0 * down * smoothstep(-40.0, 50.0, p.x) * smoothstep(-192.0, -125.0, p.h))


def _lower_face(p: Places) -> Array:
    return _up(-2.2 * smoothstep(0.0, -44.0, p.h) * smoothstep(-116.0, -70.0, p.h) * p.front)


def _forehead_slope(p: Places) -> Array:
    return _forward(-4.5 * smoothstep(18.0, 90.0, p.h) * smoothstep(-20.0, 70.0, p.x))


def _brow_ridge(p: Places) -> Array:
    return _forward(1.5 * p.spot(26.0, 16.0, 17.0, 7.0) + 1.1 * p.spot(0.0, 15.0, 12.0, 8.0))


def _brow_height(p: Places) -> Array:
    return _up(2.2 * p.spot(31.0, 20.0, 20.0, 9.0) + 1.0 * p.spot(0.0, 20.0, 12.0, 9.0))


def _pupil_distance(p: Places) -> Array:
    # Inter-pupillary distance 63, deviation 3.7 mm [Z]; a broad face has part of it.
    return _left(1.5 * _side(p, 14.0) * np.exp(-0.5 * ((p.h - 2.0) / 22.0) ** 2) * p.front)


def _eye_size(p: Places) -> Array:
    # Adult eyeballs differ by about 4 % (axial length 23.6, deviation 0.9 mm); lids and sockets with them.
    side = np.where(p.y >= 0.0, 1.0, -1.0)[:, None]
    moved: Array = 0.04 * (p.points - EYE_CENTRE * np.concatenate([side**0, side, side**0], axis=1)) * p.held()[:, None]
    return moved


def _eye_tilt(p: Places) -> Array:
    # Tilt of the eye's axis 4, deviation 2 degrees [F]: a turn about the eye, which leaves the eyeball as it is.
    side = np.where(p.y >= 0.0, 1.0, -1.0)
    turn = np.deg2rad(2.0) * p.held() * (p.region != Region.EYE)
    return _vector(0.0, -turn * side * (p.h - EYE_CENTRE[2]), turn * side * (p.y - side * EYE_CENTRE[1]), p.h)


def _eye_depth(p: Places) -> Array:
    return _forward(-1.3 * np.exp(-0.5 * (((np.abs(p.y) - 31.0) / 16.0) ** 2 + (p.h / 12.0) ** 2)) * p.front)


def _nose_length(p: Places) -> Array:
    # Sellion to subnasale 50, deviation 4.4 mm [Z], less what the length of the face brings.
    return _up(-2.6 * smoothstep(4.0, -38.0, p.h) * smoothstep(-66.0, -48.0, p.h) * p.spot(0.0, -38.0, 18.0, 60.0))


def _nose_breadth(p: Places) -> Array:
    # Nose breadth 35, deviation 4.3 mm [Z].
    return _left(2.1 / 17.0 * p.y * np.exp(-0.5 * (p.y / 19.0) ** 2) / 0.66 * p.band(-50.0, -18.0, 9.0) * p.front)


def _nose_protrusion(p: Places) -> Array:
    # Protrusion 20.5, deviation 2.8 mm [Z].
    return _forward(2.8 / 23.0 * np.maximum(nose(p.y, p.h)[:, 0], 0.0) * smoothstep(94.0, 100.0, p.x))


def _nose_bridge(p: Places) -> Array:
    return _forward(1.3 * p.spot(0.0, -13.0, 6.5, 8.0) * smoothstep(92.0, 100.0, p.x))


def _nose_tip(p: Places) -> Array:
    return _up(1.8 * p.spot(0.0, -39.0, 9.0, 7.0) * smoothstep(100.0, 116.0, p.x))


def _cheekbone_width(p: Places) -> Array:
    return _left(2.0 * _side(p, 20.0) * p.spot(56.0, -18.0, 16.0, 13.0))


def _cheekbone_prominence(p: Places) -> Array:
    return _forward(1.9 * p.spot(43.0, -22.0, 14.0, 11.0))


def _skin_only(p: Places) -> NDArray[np.bool_]:
    return np.isin(p.region, (Region.SKIN, Region.LID, Region.LIP, Region.BROW))


def _cheek_fat(p: Places) -> Array:
    cheek = p.spot(47.0, -55.0, 17.0, 20.0) * _skin_only(p)
    under = np.exp(-0.5 * ((p.h + 122.0) / 13.0) ** 2) * smoothstep(0.0, 50.0, p.x) * np.exp(-0.5 * (p.y / 45.0) ** 2)
    return _vector(1.5 * cheek, 3.6 * cheek * _side(p, 20.0), -3.0 * under * _skin_only(p), p.h)


def _philtrum_length(p: Places) -> Array:
    # Length of the upper lip's skin 14, deviation 2.2 mm [F].
    return _up(-1.8 * smoothstep(-47.0, -60.0, p.h) * smoothstep(-104.0, -74.0, p.h) * p.spot(0.0, -68.0, 34.0, 60.0))


def _mouth_width(p: Places) -> Array:
    # Lip length 50, deviation 4.4 mm [Z]. Teeth keep their place.
    teeth = np.isin(p.region, (Region.TEETH_UPPER, Region.TEETH_LOWER, Region.TONGUE))
    return _left(
        np.where(
            teeth, 0.0, 2.2 / 25.0 * p.y * np.exp(-0.5 * (p.y / 36.0) ** 2) / 0.78 * p.spot(0.0, -67.0, 90.0, 15.0)
        )
    )


def _lip(p: Places, upper: bool, height: float, forward: float) -> Array:
    # Nothing where the lips meet, most at the edge of the red, in proportion to the lip's height along the mouth.
    across = np.sqrt(np.clip(1.0 - p.lip_up**2, 0.0, 1.0))
    this = (1.0 - across ** (1.5 if upper else 2.3)) * ((p.lip_up > 0.0) == upper)
    red = np.where(p.lip_s <= 1.0, np.sin(0.5 * np.pi * p.lip_s), 1.0 - smoothstep(1.0, 1.95, p.lip_s)) * this
    full = np.sin(np.pi * np.clip(p.lip_s, 0.0, 1.9) / 1.9) * this
    return _vector(forward * full, 0.0, (height if upper else -height) * red, p.h)


def _upper_lip(p: Places) -> Array:
    # Height of the upper red 8, deviation 1.3 mm [F].
    return _lip(p, True, 1.3, 1.0)


def _lower_lip(p: Places) -> Array:
    # Height of the lower red 9.5, deviation 1.5 mm [F].
    return _lip(p, False, 1.5, 1.2)


def _jaw_width(p: Places) -> Array:
    # Bigonial breadth 115, deviation 10.9 mm [Z], less what the breadth of the face brings.
    bone = np.exp(-0.5 * ((p.h + 84.0) / 26.0) ** 2) * smoothstep(-50.0, 5.0, p.x)
    return _left(7.0 / 115.0 * p.y * bone * smoothstep(8.0, 50.0, np.abs(p.y)))


def _jaw_angle(p: Places) -> Array:
    return _up(
        -4.0
        * np.exp(-0.5 * (((p.h + 82.0) / 20.0) ** 2 + ((p.x - 15.0) / 28.0) ** 2))
        * smoothstep(25.0, 50.0, np.abs(p.y))
    )


def _chin_height(p: Places) -> Array:
    return _up(-2.6 * smoothstep(-78.0, -100.0, p.h) * smoothstep(-185.0, -120.0, p.h) * smoothstep(0.0, 70.0, p.x))


def _chin_protrusion(p: Places) -> Array:
    return _forward(3.0 * p.spot(0.0, -103.0, 26.0, 14.0))


def _ear_size(p: Places) -> Array:
    # Ear length 62, deviation 4 mm [F]; about where it grows from the head.
    side = np.where(p.y >= 0.0, 1.0, -1.0)
    root = np.stack([prop.EAR_CENTRE[0] + 12.0 + 0.0 * side, 70.0 * side, prop.EAR_CENTRE[1] + 0.0 * side], axis=-1)
    moved: Array = 0.065 * (p.points - root) * (p.region == Region.EAR)[:, None]
    return moved


def _neck_width(p: Places) -> Array:
    neck = 1.0 - smoothstep(-140.0, -105.0, p.h + 0.25 * p.x)
    return 0.05 * neck[:, None] * (p.points - [-24.0, 0.0, 0.0]) * [1.0, 1.0, 0.0]


def _nose_skew(p: Places) -> Array:
    return _left(0.9 * p.spot(0.0, -38.0, 11.0, 11.0) * smoothstep(94.0, 106.0, p.x))


def _mouth_skew(p: Places) -> Array:
    # One corner higher, the middle aside.
    return _vector(
        0.0, 0.6 * p.spot(0.0, -68.0, 22.0, 13.0), 0.9 * _side(p, 18.0) * p.spot(0.0, -67.0, 34.0, 14.0), p.h
    )


def _jaw_skew(p: Places) -> Array:
    return _left(1.5 * smoothstep(-60.0, -105.0, p.h) * smoothstep(-170.0, -120.0, p.h) * smoothstep(0.0, 70.0, p.x))


def _brow_skew(p: Places) -> Array:
    return _up(0.9 * _side(p, 14.0) * p.spot(31.0, 20.0, 20.0, 9.0))


def _eye_skew(p: Places) -> Array:
    return _up(0.5 * _side(p, 14.0) * p.spot(31.0, 2.0, 24.0, 16.0))


def _none(p: Places) -> Array:
    return np.zeros_like(p.points)


_FIELDS: Final[dict[str, Callable[[Places], Array]]] = {
    "head_size": _head_size,
    "head_breadth": _head_breadth,
    "head_depth": _head_depth,
    "face_breadth": _face_breadth,
    "face_length": _face_length,
    "lower_face": _lower_face,
    "forehead_slope": _forehead_slope,
    "brow_ridge": _brow_ridge,
    "brow_height": _brow_height,
    "pupil_distance": _pupil_distance,
    "eye_size": _eye_size,
    "eye_open": _none,  # lids slide on the eyeball, which is no linear field: see `lids`
    "eye_tilt": _eye_tilt,
    "eye_depth": _eye_depth,
    "nose_length": _nose_length,
    "nose_breadth": _nose_breadth,
    "nose_protrusion": _nose_protrusion,
    "nose_bridge": _nose_bridge,
    "nose_tip": _nose_tip,
    "cheekbone_width": _cheekbone_width,
    "cheekbone_prominence": _cheekbone_prominence,
    "cheek_fat": _cheek_fat,
    "philtrum_length": _philtrum_length,
    "mouth_width": _mouth_width,
    "upper_lip": _upper_lip,
    "lower_lip": _lower_lip,
    "jaw_width": _jaw_width,
    "jaw_angle": _jaw_angle,
    "chin_height": _chin_height,
    "chin_protrusion": _chin_protrusion,
    "ear_size": _ear_size,
    "neck_width": _neck_width,
    "nose_skew": _nose_skew,
    "mouth_skew": _mouth_skew,
    "jaw_skew": _jaw_skew,
    "brow_skew": _brow_skew,
    "eye_skew": _eye_skew,
}

_TURN_WITH_THE_EYE: Final = frozenset({"eye_size", "eye_tilt"})
"""Fields made for the eye, which `held` must not flatten."""


def displacements(p: Places) -> Array:
    """What each measure moves each point by, (len(NAMES), N, 3) mm; around the eyes in one piece."""
    return np.stack(
        [_FIELDS[name](p) if name in _TURN_WITH_THE_EYE else _eyes_whole(_FIELDS[name], p) for name in NAMES]
    )


def _eyes_whole(field: Callable[[Places], Array], p: Places) -> Array:
    """The field, but around each eye only the shift of that eye's centre."""
    eyes = EYE_CENTRE * np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0]])
    probe = Places(eyes, np.full(2, int(Region.SKIN)), np.full(2, 2.0), np.zeros(2))
    shift = field(probe)
    held = p.held()[:, None]
    mixed: Array = (1.0 - held) * field(p) + held * np.where(p.y[:, None] >= 0.0, shift[0], shift[1])
    return mixed
