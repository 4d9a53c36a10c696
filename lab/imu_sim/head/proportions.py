"""Every measure of the generated head, in one place.

The head is built in construction millimetres: x forward out of the face from the line between the ears, y to the
subject's left, h upwards from the pupil line. `assemble` turns them into metres in `face_head`.

Sources. Breadths and lengths are rounded adult means: head breadth 152, head length 195, bizygomatic breadth 138,
face length (menton to sellion) 118, nose breadth 35, nasal protrusion 20, lip length 50, inter-pupillary distance 63
(Z. Zhuang, B. Bradtmiller, "Head-and-face anthropometric survey of U.S. respirator users", J. Occup. Environ.
Hyg. 2, 2005; C. C. Gordon et al., ANSUR II, 2014). The eyeball's radius is that of the adult eye, 12 to 12.5. The row
curves between those marks, and every bump, were drawn by eye for this head: they are a design, not a measurement.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MM: Final = 1e-3
PUPIL_HEIGHT_MM: Final = 22.0
"""Height of the pupils above the line between the ears (tragion), in `face_head` z."""


class Row(NamedTuple):
    """One closed line around the head: seen from the side at `h`, `front`, `back`; from the front at `half_width`."""

    h: float
    """Height at the midline of the face."""
    front: float
    """x on the midline of the face, without the nose."""
    side: float
    """x where the line is widest."""
    back: float
    """x on the midline of the back of the head."""
    half_width: float
    squareness: float
    """Exponent of the superellipse: 2 is an ellipse, more is squarer."""
    rise: float
    """How far the line climbs from the front to the side: the jaw climbs from the chin to the ear."""


ROWS: Final[tuple[Row, ...]] = (
    Row(118.0, -6.0, -6.0, -6.0, 0.0, 2.1, 0.0),  # crown
    Row(114.5, 25.0, -7.0, -39.0, 29.0, 2.05, 0.0),
    Row(102.0, 57.0, -8.0, -65.0, 50.0, 2.1, 0.0),
    Row(82.0, 81.5, -9.0, -82.5, 65.5, 2.15, 0.0),  # hairline
    Row(60.0, 96.0, -9.0, -91.0, 73.0, 2.2, 0.0),
    Row(39.0, 102.5, -7.0, -93.5, 75.5, 2.3, 0.0),  # forehead
    Row(22.0, 104.5, -4.0, -92.5, 74.8, 2.35, 0.0),  # brow
    Row(6.0, 101.5, 0.0, -89.5, 73.3, 2.35, 1.0),  # sellion
    Row(-12.0, 100.0, 4.0, -86.5, 71.8, 2.3, 5.0),
    Row(-28.0, 100.5, 7.0, -83.5, 70.3, 2.25, 10.0),  # cheekbone
    Row(-46.0, 102.0, 7.0, -80.0, 68.6, 2.2, 17.0),  # nose base
    Row(-58.0, 103.5, 6.0, -78.0, 67.2, 2.15, 22.0),
    Row(-67.0, 103.5, 4.0, -76.5, 66.0, 2.12, 25.0),  # mouth
    Row(-77.0, 101.5, 3.0, -75.0, 64.4, 2.1, 28.0),
    Row(-86.0, 98.5, 2.0, -73.5, 62.3, 2.1, 28.5),  # hollow above the chin
    Row(-100.0, 98.5, 2.0, -72.0, 58.8, 2.1, 32.0),  # chin
    Row(-112.0, 92.5, 1.0, -71.0, 54.5, 2.1, 36.0),  # jaw line
    Row(-118.0, 79.0, -4.0, -70.5, 50.0, 2.05, 36.5),
    Row(-121.5, 58.0, -9.0, -70.0, 47.5, 2.0, 33.5),  # under the chin
    Row(-127.5, 39.0, -14.0, -69.5, 46.5, 2.0, 26.0),
    Row(-142.0, 29.5, -19.0, -69.5, 47.0, 2.0, 20.0),  # throat
    Row(-168.0, 23.0, -24.0, -72.0, 50.0, 2.0, 11.0),
    Row(-196.0, 18.0, -29.0, -78.0, 57.0, 2.0, 4.0),  # neck base
)


class Bump(NamedTuple):
    """A Gaussian displacement, seen from the front and mirrored to the other side when `y` is not 0."""

    y: float
    h: float
    sigma_y: float
    sigma_h: float
    forward: float
    out: float = 0.0
    """Sideways, away from the midline."""
    up: float = 0.0
    turn_deg: float = 0.0
    """Turns the long axis; positive lifts the outer end."""


BUMPS: Final[dict[str, Bump]] = {
    "brow ridge": Bump(29.0, 17.0, 15.0, 6.0, 1.8),
    "glabella": Bump(0.0, 16.0, 9.0, 8.0, 0.3),
    "forehead boss": Bump(26.0, 50.0, 18.0, 15.0, 1.5),
    "temple": Bump(62.0, 26.0, 12.0, 16.0, -3.0, -2.2),
    "inner socket": Bump(16.5, -2.0, 5.5, 6.0, -5.0),
    "upper socket": Bump(35.0, 8.0, 12.0, 4.5, -1.8),
    "lower socket": Bump(30.0, -13.0, 13.0, 5.0, -2.2),
    "outer socket": Bump(49.0, 2.0, 7.0, 9.0, -2.0, -0.5),
    "cheekbone": Bump(46.0, -22.0, 14.0, 10.0, 3.2, 2.0, 0.0, 20.0),
    "cheek": Bump(34.0, -36.0, 14.0, 13.0, 2.2),
    "cheek hollow": Bump(52.0, -57.0, 13.0, 15.0, -1.2, -0.8),
    "nasolabial": Bump(27.0, -54.0, 4.0, 13.0, -1.6, 0.0, 0.0, -30.0),
    "muzzle": Bump(0.0, -65.0, 21.0, 14.0, 3.5),
    "philtrum": Bump(0.0, -54.5, 2.6, 5.0, -1.3),
    "philtrum ridge": Bump(5.0, -55.5, 2.2, 5.0, 0.6),
    "corner dimple": Bump(30.0, -68.0, 5.5, 6.0, -1.6),
    "chin": Bump(0.0, -100.0, 13.0, 9.0, 4.0),
    "chin side": Bump(25.0, -95.0, 9.0, 11.0, -1.8),
    "lip shelf": Bump(0.0, -84.0, 14.0, 4.0, -1.8),
    "throat": Bump(0.0, -140.0, 10.0, 14.0, 2.0),
}
"""Forms on the row curves. `forward` is along x."""

# Nose: ridge height over the face along h, and how wide it is there.
NOSE_H: Final = (22.0, 9.0, 3.0, -6.0, -16.0, -26.0, -33.0, -38.0, -42.0, -45.5, -49.0, -54.0)
NOSE_HEIGHT: Final = (0.0, 0.6, 2.2, 6.5, 12.0, 17.3, 20.6, 21.8, 20.0, 13.0, 2.5, 0.0)
NOSE_HALF_WIDTH: Final = (12.0, 10.0, 8.6, 8.4, 8.8, 9.2, 9.6, 9.8, 9.8, 9.0, 8.0, 8.0)
NOSE_WING: Final = Bump(13.2, -40.5, 3.9, 4.6, 9.0, 1.5)
NOSE_BALL: Final = Bump(0.0, -37.5, 7.5, 5.0, 1.5)
NOSTRIL_ARCH: Final = (6.8, 3.0, 1.8)
"""The underside rises by the third number at the first number to either side, over the second."""
NOSE_WING_CREASE: Final = Bump(18.6, -39.5, 2.0, 6.0, -2.2)
NOSTRIL: Final = Bump(7.2, -45.6, 3.4, 2.0, -5.0, 0.0, 3.0)
NOSE_TIP_DROOP: Final = Bump(0.0, -41.0, 7.0, 4.0, 0.0, 0.0, -2.0)

# Eyes.
EYE_Y: Final = 31.5
EYE_X: Final = 95.0
"""Front of the eyeball, where the pupil is."""
EYE_RADIUS: Final = 12.5
IRIS_RADIUS: Final = 5.8
PUPIL_RADIUS: Final = 2.5
LID_THICKNESS: Final = 1.2
"""Outer lid skin over the eyeball; thick enough that the chord of half a blink stays clear of the eyeball."""


class Opening(NamedTuple):
    """The outline of an eye's opening, an almond."""

    inner: tuple[float, float]
    """y, h of the inner corner."""
    outer: tuple[float, float]
    upper_peak: float
    """Height of the upper lid over the line between the corners."""
    lower_peak: float
    power: float
    """1 is an ellipse, more is more pointed."""


LID_OPENING: Final = Opening((16.4, -4.7), (47.4, -2.1), 8.3, -2.9, 1.15)
"""Corners lie below the pupil, as people's do; drawn by eye."""
LID_FRAME: Final = Opening((16.8, -1.6), (46.8, 0.9), 4.8, -5.7, 1.45)
"""What lid rings are spaced from. Other values move the skin beside the eye, where boards sit, and which the shipped
model was trained with; `LID_OPENING` may change freely."""
EYE_PATCH: Final = (31.2, 0.6, 20.5, 15.5)
"""Centre y, h and half axes of the outline where lid rings meet the face."""
LID_CREASE: Final = 1.6
"""Depth of the fold above the upper lid."""

# Mouth.
MOUTH_H: Final = -66.5
MOUTH_CORNER: Final = (25.2, -66.4)
"""y, h."""
UPPER_LIP_HEIGHT: Final = 8.0
LOWER_LIP_HEIGHT: Final = 12.0
LIP_FRAME: Final = (7.2, 9.0)
"""Heights of the red, as above, that the rings around it are spaced from: what `LID_FRAME` is to the eye."""
MOUTH_PATCH: Final = (-67.0, 37.0, 21.5)
"""Centre h and half axes of the outline where lip rings meet the face."""

# Jaw hinge (condyle), a little in front of the ear canal and level with it; the angle opens the lips about 30 mm.
JAW_HINGE: Final = (13.0, -21.0)
"""x, h."""
JAW_OPEN_DEG: Final = 17.0

# Ears: attached here, long axis tilted back.
EAR_CENTRE: Final = (-3.0, -14.0)
"""x, h; the ear sits on the head, whatever its width there."""
EAR_HEIGHT: Final = 61.0
EAR_WIDTH: Final = 35.0

# Hair: height of its edge above the pupil line over the azimuth in degrees (0 is the front, 180 the back).
HAIRLINE_DEG: Final = (0.0, 20.0, 38.0, 50.0, 59.0, 68.0, 77.0, 85.0, 92.0, 98.0, 108.0, 120.0, 140.0, 180.0)
HAIRLINE_H: Final = (77.0, 76.0, 69.0, 57.0, 42.0, 23.0, 3.0, -10.0, -14.0, -8.0, -22.0, -48.0, -68.0, -74.0)
HAIR_DEPTH: Final = 3.5
HAIR_VOLUME: Final = 9.5
"""Added on top of the head, well inside the hair."""
HAIR_EDGE: Final = 7.0
"""Height over which the hair rises from the skin."""

# Eyebrows.
BROW_INNER: Final = (12.0, 15.0)
"""y, h."""
BROW_OUTER: Final = (50.5, 13.3)
BROW_ARCH: Final = 4.2
BROW_THICKNESS: Final = 5.4
