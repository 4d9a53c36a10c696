"""Other kinds of faces than ours: one weight means another motion of the skin, as it does between artists' heads.

Three artists' heads were compared: their brows turn a board by 0.8 to 9.5 degrees, and the mean Jacobians of any two
have cosines of 0.27 to 0.42 (median over shapes). A kind is drawn so that it differs from ours by as much: muscles that
take hold elsewhere and pull in other directions, skin that gives way unevenly, shapes that take others along. All its
spreads are guesses, chosen for that cosine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.rig import FaceRig
from imu_sim.head.anatomy import LOCAL_PLACES, MUSCLES, Bounds, Centre, JawPath

_BOUNDS: Final = Bounds(gain=(0.1, 2.6), turn_rad=1.3, reach=(0.5, 2.0), offset_mm=13.0)
_PLACES: Final = [0.10] * len(LOCAL_PLACES)
# Log gain, turn in rad, log reach, log bulge, offsets in mm and local gains, one standard deviation each.
_BY_MUSCLE: Final = np.array([0.30, np.deg2rad(16.0), 0.16, 0.25, 3.0, 3.0, *_PLACES])
_BY_SHAPE: Final = np.array([0.45, np.deg2rad(20.0), 0.18, 0.35, 3.5, 3.5, *_PLACES])
_JAW_LOG: Final = 0.25

_COMPANIONS: Final = 0.10
"""Chance that a shape takes another one of its part of the face along."""
_COMPANION_SHARE: Final = 0.25
"""How much of it, standard deviation."""
_UPPER: Final = ("brow", "eye", "cheekSquint", "nose")
_UNMIXED: Final = ("eyeLook", "eyeWide", "eyeBlink", "tongue")
"""Gaze, lids and tongue take nothing along."""
_UNCHANGED: Final = ("eyeLook", "tongue")
"""What is not skin gives way nowhere."""

_PATCHES: Final = 30
"""Places where the skin gives way unevenly, on each half of the face."""
_PATCH_M: Final = 0.011
_UNEVEN: Final = 0.6
"""Standard deviation of each element of the matrix that turns and stretches a motion at such a place."""
_FACE_Y_M: Final = (0.0, 0.065)
_FACE_Z_M: Final = (-0.115, 0.055)
"""From the pupils."""
_LEAST_X_M: Final = 0.03
_MIDLINE_M: Final = 0.008
_TURNS_OVER: Final = np.outer([1.0, -1.0, 1.0], [1.0, -1.0, 1.0]) < 0.0
"""Elements of a matrix that change their sign when it is mirrored in the midplane."""


@dataclass(frozen=True)
class Kind:
    """What the people of one kind of face have in common.

    Attributes:
        centre: the anatomy around which they are drawn.
        companions: (52, 52), row: the shape, column: how much of another comes along.
        places: (P, 2) m, outwards of the midline and above the pupils.
        uneven: (52, P, 3, 3) what is added at each place to the motion of a shape of the left or the middle, relative.
    """

    centre: Centre
    companions: NDArray[np.float64]
    places: NDArray[np.float64]
    uneven: NDArray[np.float64]

    def applied(self, rig: FaceRig) -> FaceRig:
        """A person's head with this kind's motion; on the whole the skin is strained as much as before."""
        mixed = rig.deltas + np.tensordot(self.companions, rig.deltas, axes=1)
        turned = mixed + self._added(rig, mixed)
        edges = _face_edges(rig)
        scale = _strain(rig.deltas, edges) / np.maximum(_strain(turned, edges), 1e-9)
        kept = np.array([name.startswith(_UNCHANGED) for name in arkit.BLENDSHAPES])
        scale[kept] = 1.0
        turned[kept] = rig.deltas[kept]
        deltas = (scale[:, None, None] * turned).astype(np.float32)
        deltas.setflags(write=False)
        return replace(rig, deltas=deltas)

    def _added(self, rig: FaceRig, deltas: NDArray[np.floating]) -> NDArray[np.float64]:
        """(52, V, 3): mirrored on the right half of the face, so that both sides are alike."""
        from_pupils = rig.neutral[:, 2] - rig.neutral[rig.landmarks["pupil_left"], 2]
        apart = np.stack([np.abs(rig.neutral[:, 1]), from_pupils], axis=1)[:, None] - self.places
        near = np.exp(-0.5 * np.sum((apart / _PATCH_M) ** 2, axis=-1))  # (V, P)
        side = np.tanh(rig.neutral[:, 1] / _MIDLINE_M)[:, None, None]  # (V, 1, 1), smooth where the halves meet
        added = np.empty_like(deltas, dtype=np.float64)
        for shape in range(arkit.COUNT):
            matrices = np.tensordot(near, self.uneven[shape], axes=1) * np.where(_TURNS_OVER, side, 1.0)  # (V, 3, 3)
            added[shape] = np.einsum("vij,vj->vi", matrices, deltas[shape])
        return added


@lru_cache(maxsize=64)
def random_kind(seed: int) -> Kind:
    """Draw a kind of face; the same seed, the same kind."""
    rng = np.random.default_rng([seed, 0x51CD])
    muscles = sorted(set(MUSCLES.values()))
    by_muscle = dict(zip(muscles, rng.standard_normal((len(muscles), len(_BY_MUSCLE))) * _BY_MUSCLE, strict=True))
    shift = rng.standard_normal((len(MUSCLES), len(_BY_SHAPE))) * _BY_SHAPE
    shift += np.array([by_muscle[muscle] for muscle in MUSCLES.values()])
    places = np.stack([rng.uniform(*_FACE_Y_M, _PATCHES), rng.uniform(*_FACE_Z_M, _PATCHES)], axis=1)
    mirror = np.minimum(np.arange(arkit.COUNT), arkit.MIRROR)
    uneven = rng.normal(0.0, _UNEVEN, (arkit.COUNT, _PATCHES, 3, 3))[mirror]
    return Kind(Centre(shift, _jaw(rng), _BOUNDS), _companions(rng), places, uneven)


def _jaw(rng: np.random.Generator) -> JawPath:
    ours = JawPath()
    opened, slide, forward, sideways, follow = np.exp(rng.normal(0.0, _JAW_LOG, 5)).tolist()
    return JawPath(
        hinge_x_mm=float(rng.normal(0.0, 3.0)),
        hinge_h_mm=float(rng.normal(0.0, 3.0)),
        open_deg=ours.open_deg * opened,
        slide_mm=ours.slide_mm * slide,
        slide_deg=float(np.clip(rng.normal(ours.slide_deg, 12.0), 10.0, 60.0)),
        forward_mm=ours.forward_mm * forward,
        sideways_deg=ours.sideways_deg * sideways,
        skin_follow=ours.skin_follow * follow,
    )


def _companions(rng: np.random.Generator) -> NDArray[np.float64]:
    """(52, 52), alike on both sides."""
    shape = (arkit.COUNT, arkit.COUNT)
    drawn = np.where(rng.random(shape) < _COMPANIONS, rng.normal(0.0, _COMPANION_SHARE, shape), 0.0)
    upper = np.array([name.startswith(_UPPER) for name in arkit.BLENDSHAPES])
    free = np.array([not name.startswith(_UNMIXED) for name in arkit.BLENDSHAPES])
    drawn *= (upper[:, None] == upper) & free[:, None] & free
    mirror = np.asarray(arkit.MIRROR)
    mix: NDArray[np.float64] = np.sqrt(0.5) * (drawn + drawn[mirror][:, mirror])
    np.fill_diagonal(mix, 0.0)
    return mix


def _face_edges(rig: FaceRig) -> NDArray[np.int32]:
    """(E, 2) edges of the skin of the face."""
    skin = rig.parts["skin"]
    triangles = rig.triangles[((rig.triangles >= skin.start) & (rig.triangles < skin.stop)).all(axis=1)]
    triangles = triangles[(rig.neutral[triangles, 0] > _LEAST_X_M).all(axis=1)]
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def _strain(deltas: NDArray[np.floating], edges: NDArray[np.int32]) -> NDArray[np.float64]:
    """(52,) root of the summed square by which a shape stretches or turns the edges, m."""
    apart = deltas[:, edges[:, 0]] - deltas[:, edges[:, 1]]
    return np.asarray(np.sqrt(np.einsum("sij,sij->s", apart, apart, dtype=np.float64)))
