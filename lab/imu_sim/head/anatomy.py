"""How one person's muscles, jaw and lids move the skin: what differs between faces at the same blendshape weight.

Two people with the same weights do not move alike: one brow hardly turns where another's turns by degrees. Every spread
below is a guess unless a source stands beside it. They are wide on purpose: a model trained on one anatomy
fails on the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

MUSCLES: Final[dict[str, str]] = {
    "browInnerUp": "frontalis",
    "browOuterUp": "frontalis",
    "browDown": "corrugator",
    "eyeBlink": "orbicularis oculi",
    "eyeSquint": "orbicularis oculi",
    "cheekSquint": "orbicularis oculi",
    "eyeWide": "levator palpebrae",
    "eyeLookUp": "levator palpebrae",
    "eyeLookDown": "levator palpebrae",
    "eyeLookIn": "levator palpebrae",
    "eyeLookOut": "levator palpebrae",
    "noseSneer": "levator labii",
    "mouthUpperUp": "levator labii",
    "mouthSmile": "zygomaticus",
    "mouthDimple": "buccinator",
    "cheekPuff": "buccinator",
    "mouthStretch": "risorius",
    "mouthFrown": "depressor anguli oris",
    "mouthLowerDown": "depressor labii",
    "mouthLeft": "orbicularis oris",
    "mouthPucker": "orbicularis oris",
    "mouthFunnel": "orbicularis oris",
    "mouthRollLower": "orbicularis oris",
    "mouthRollUpper": "orbicularis oris",
    "mouthPress": "orbicularis oris",
    "mouthShrugUpper": "orbicularis oris",
    "mouthShrugLower": "mentalis",
    "jawOpen": "masseter",
}
"""Shape without its side to the muscle that makes most of it; shapes of one muscle differ together.

`jawOpen` stands for the soft tissue alone (the bone has its `JawPath`), `mouthLeft` for the pull to either side."""

LOCAL_PLACES: Final = (
    (8.0, 40.0),  # middle of the forehead
    (38.0, 40.0),  # side of the forehead
    (12.0, 18.0),  # inner brow
    (42.0, 18.0),  # outer brow
    (52.0, -5.0),  # temple
    (36.0, -22.0),  # cheekbone
    (15.0, -38.0),  # wing of the nose
    (34.0, -45.0),  # cheek
    (0.0, -58.0),  # moustache
    (26.0, -66.0),  # corner of the mouth
    (48.0, -65.0),  # hollow of the cheek
    (0.0, -82.0),  # below the lip
    (20.0, -95.0),  # side of the chin
)
"""(y, h) in mm of places where tissue may give more or less than around; both sides share them."""


@dataclass(frozen=True)
class Pull:
    """How one muscle of one side differs from the typical face.

    Attributes:
        gain: how far the skin goes, relative.
        turn_rad: direction of the pull within the skin, positive lifts what goes outwards.
        reach: how far over the face the motion spreads, relative.
        bulge: how much the skin lifts off or hollows while it slides over the bone, relative.
        offset_y_mm, offset_h_mm: where the muscle takes hold, outwards and upwards of the typical place.
        local: one relative difference of the gain for each of `LOCAL_PLACES`.
    """

    gain: float = 1.0
    turn_rad: float = 0.0
    reach: float = 1.0
    bulge: float = 1.0
    offset_y_mm: float = 0.0
    offset_h_mm: float = 0.0
    local: tuple[float, ...] = (0.0,) * len(LOCAL_PLACES)


@dataclass(frozen=True)
class JawPath:
    """How the lower jaw moves at weight 1, relative to the upper.

    Condyles slide forward and down in proportion to the turn, from the first degree on: 20 mm for 39 degrees at widest
    opening, with spreads of 15 to 20 % (T. Muto, M. Kanazawa, J. Oral Maxillofac. Surg. 54, 1996). Weight 1 is not the
    widest opening; which part of it a person shows to a phone is a guess.

    Attributes:
        hinge_x_mm, hinge_h_mm: where the condyle lies against the typical place.
        open_deg: turn of jawOpen.
        slide_mm: the condyles' way in jawOpen.
        slide_deg: how steeply down that way goes.
        swerve_deg: how far jawOpen turns the chin to the left.
        forward_mm: way of jawForward.
        sideways_deg: turn of jawLeft and jawRight.
        skin_follow: over how wide an angle around the hinge the cheek's skin takes up the motion, relative.
    """

    hinge_x_mm: float = 0.0
    hinge_h_mm: float = 0.0
    open_deg: float = 18.0
    slide_mm: float = 9.0
    slide_deg: float = 35.0
    swerve_deg: float = 0.0
    forward_mm: float = 6.0
    sideways_deg: float = 5.0
    skin_follow: float = 1.0


@dataclass(frozen=True)
class Side:
    """One side of a face.

    Attributes:
        pulls: one for each key of `MUSCLES`, in that order.
        lids_meet: where closed lids meet, from the lower margin (0) to the upper (1).
        look_gain: how far the eyeball turns at weight 1, relative.
    """

    pulls: tuple[Pull, ...] = (Pull(),) * len(MUSCLES)
    lids_meet: float = 0.16
    look_gain: float = 1.0

    def pull(self, shape: str) -> Pull:
        """The pull of a shape named without its side.

        Raises:
            KeyError: not a key of `MUSCLES`.
        """
        return self.pulls[_PLACE[shape]]


_PLACE: Final = {shape: i for i, shape in enumerate(MUSCLES)}


@dataclass(frozen=True)
class Anatomy:
    """Both sides of a face, and its jaw; `Anatomy()` is the typical face."""

    left: Side = field(default_factory=Side)
    right: Side = field(default_factory=Side)
    jaw: JawPath = field(default_factory=JawPath)


TYPICAL: Final = Anatomy()

# One standard deviation of log gain, turn in rad, log reach, log bulge, offsets in mm and local gains: what all shapes
# of a muscle share, what one shape adds, what one side adds. Together 33 %, 12 degrees, 23 %, 45 %, 3.7 mm.
_BY_MUSCLE: Final = np.array([0.22, np.deg2rad(8.0), 0.16, 0.30, 2.5, 2.5] + [0.10] * len(LOCAL_PLACES))
_BY_SHAPE: Final = np.array([0.22, np.deg2rad(8.0), 0.16, 0.30, 2.5, 2.5] + [0.16] * len(LOCAL_PLACES))
_BY_SIDE: Final = np.array([0.09, np.deg2rad(4.0), 0.05, 0.12, 1.0, 1.0] + [0.05] * len(LOCAL_PLACES))


@dataclass(frozen=True)
class Bounds:
    """Between which draws are cut; see `Pull`."""

    gain: tuple[float, float]
    turn_rad: float
    reach: tuple[float, float]
    offset_mm: float


OWN_BOUNDS: Final = Bounds(gain=(0.45, 1.75), turn_rad=0.45, reach=(0.65, 1.55), offset_mm=7.0)
LEAST_REACH_PER_GAIN: Final = 0.75
MOST_BULGE_PER_REACH: Final = 1.5
"""Skin that goes far, or lifts far, within a short reach would fold over itself."""


@dataclass(frozen=True)
class Centre:
    """The anatomy around which people are drawn.

    Attributes:
        shift: (len(MUSCLES), 6 + len(LOCAL_PLACES)) added to what each person's muscles draw, in the order of `Pull`,
            the relative ones as logarithms.
        jaw: the typical jaw.
        bounds: between which draws are cut.
    """

    shift: NDArray[np.float64]
    jaw: JawPath
    bounds: Bounds

    @property
    def typical(self) -> Anatomy:
        """Without anybody's own draw, alike on both sides."""
        side = Side(pulls=tuple(_pull(row, self.bounds) for row in self.shift))
        return Anatomy(side, side, self.jaw)


OURS: Final = Centre(np.zeros((len(MUSCLES), len(_BY_SHAPE))), JawPath(), OWN_BOUNDS)


def random_anatomy(rng: np.random.Generator, centre: Centre = OURS) -> Anatomy:
    """Draw the way a face moves: alike within a muscle, nearly alike on both sides."""
    muscles = sorted(set(MUSCLES.values()))
    by_muscle = dict(zip(muscles, rng.standard_normal((len(muscles), len(_BY_MUSCLE))) * _BY_MUSCLE, strict=True))
    by_shape = rng.standard_normal((len(MUSCLES), len(_BY_SHAPE))) * _BY_SHAPE
    shared = centre.shift + by_shape + np.array([by_muscle[muscle] for muscle in MUSCLES.values()])
    meet, look = rng.normal(0.16, 0.06), rng.normal(0.0, 0.06)
    left = _side(rng, shared, meet, look, centre.bounds)
    right = _side(rng, shared, meet, look, centre.bounds)
    return Anatomy(left, right, _jaw(rng, centre.jaw))


def _side(rng: np.random.Generator, shared: NDArray[np.float64], meet: float, look: float, bounds: Bounds) -> Side:
    drawn = shared + rng.standard_normal(shared.shape) * _BY_SIDE
    return Side(
        pulls=tuple(_pull(row, bounds) for row in drawn),
        lids_meet=float(np.clip(meet + rng.normal(0.0, 0.01), 0.04, 0.4)),
        look_gain=float(np.exp(look + rng.normal(0.0, 0.01))),
    )


def _pull(drawn: NDArray[np.float64], bounds: Bounds) -> Pull:
    gain = float(np.clip(np.exp(drawn[0]), *bounds.gain))
    least_reach = min(max(bounds.reach[0], LEAST_REACH_PER_GAIN * gain), bounds.reach[1])
    reach = float(np.clip(np.exp(drawn[2]), least_reach, bounds.reach[1]))
    return Pull(
        gain=gain,
        turn_rad=float(np.clip(drawn[1], -bounds.turn_rad, bounds.turn_rad)),
        reach=reach,
        bulge=float(np.clip(np.exp(drawn[3]), 0.35, min(2.2, MOST_BULGE_PER_REACH * reach / gain))),
        offset_y_mm=float(np.clip(drawn[4], -bounds.offset_mm, bounds.offset_mm)),
        offset_h_mm=float(np.clip(drawn[5], -bounds.offset_mm, bounds.offset_mm)),
        local=tuple(float(v) for v in drawn[6:]),
    )


def _jaw(rng: np.random.Generator, typical: JawPath) -> JawPath:
    def scaled(value: float, log_deviation: float) -> float:
        return float(value * np.exp(np.clip(rng.normal(0.0, log_deviation), -2.3 * log_deviation, 2.3 * log_deviation)))

    return JawPath(
        hinge_x_mm=float(np.clip(rng.normal(typical.hinge_x_mm, 3.0), -7.0, 7.0)),
        hinge_h_mm=float(np.clip(rng.normal(typical.hinge_h_mm, 3.0), -7.0, 7.0)),
        open_deg=scaled(typical.open_deg, 0.16),
        slide_mm=scaled(typical.slide_mm, 0.25),
        slide_deg=float(np.clip(rng.normal(typical.slide_deg, 8.0), 10.0, 60.0)),
        swerve_deg=float(np.clip(rng.normal(0.0, 0.7), -1.6, 1.6)),
        forward_mm=scaled(typical.forward_mm, 0.25),
        sideways_deg=scaled(typical.sideways_deg, 0.25),
        skin_follow=scaled(typical.skin_follow, 0.15),
    )
