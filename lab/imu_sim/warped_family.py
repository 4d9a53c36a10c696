"""Random people from any single rig: gains, directions and local differences around the face it holds.

Every spread is a guess in the range that the literature on facial anatomy makes plausible. The aim is that a model
trained on many people does not lean on one anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_model.errors import FaceModelError
from face_model.rig import Corrective, FaceRig

_BUMPS = 8
"""Smooth local differences of an anatomy."""
_WIDEST = 2.5
"""Standard deviations beyond which a component of identity is no longer a face; a guess."""
_STREAM = 0x57EA4E4


@dataclass(frozen=True)
class WarpedFamily:
    """People around one rig, which is the typical one; topology, landmarks and parts stay.

    Attributes:
        rig: the face as it came.
        identity: (K, V, 3) principal components of the form of the face, one standard deviation each, m. Where there
            are none the form differs by smooth random bumps.
    """

    rig: FaceRig
    identity: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 3), np.float32))

    def __post_init__(self) -> None:
        if len(self.identity) and self.identity.shape[1:] != self.rig.neutral.shape:
            raise FaceModelError(
                f"family of {self.rig.name}: expected identity components of shape {self.rig.neutral.shape}, "
                f"found {self.identity.shape[1:]}"
            )

    @property
    def name(self) -> str:
        """Name of the rig."""
        return self.rig.name

    def typical(self) -> FaceRig:
        """The rig itself."""
        return self.rig

    def subject(self, seed: int) -> FaceRig:
        """The rig with another anatomy: size, local form, and how far and where to each shape moves the skin."""
        rng = np.random.default_rng([seed, _STREAM])
        rig = self.rig
        gain = _gains(rng)
        turn = rotation.to_matrix(rotation.from_vector(rng.normal(0.0, np.deg2rad(6.0), (arkit.COUNT, 3))))
        scale = (1.0 + rng.normal(0.0, 0.04, 3)).astype(np.float32)
        bumps = _bumps(rig, rng)
        shift = bumps @ rng.normal(0.0, 0.0025, (_BUMPS, 3)).astype(np.float32)
        local = 1.0 + rng.normal(0.0, 0.2, (arkit.COUNT, _BUMPS)).astype(np.float32) @ bumps.T
        form = shift
        if len(self.identity):  # which hold the sizes of heads too
            form, scale = self._form(rng), np.ones(3, np.float32)
        strength = np.maximum(local, 0.2) * gain.astype(np.float32)[:, None]
        deltas = np.einsum("sij,svj->svi", turn.astype(np.float32), rig.deltas, optimize=True) * strength[..., None]
        return replace(
            rig,
            name=f"{rig.name}/{seed}",
            neutral=(rig.neutral + form) * scale,
            deltas=deltas * scale,
            correctives=tuple(_warped(c, turn, strength, scale) for c in rig.correctives),
        )

    def _form(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """(V, 3) m: how a random face differs from the mean one."""
        share = np.clip(rng.normal(size=len(self.identity)), -_WIDEST, _WIDEST).astype(np.float32)
        return np.asarray(np.tensordot(share, self.identity, axes=1))


def _gains(rng: np.random.Generator) -> NDArray[np.float64]:
    """How far each shape goes, (52,); the two sides share most of it."""
    shared = rng.lognormal(0.0, 0.22, arkit.COUNT)[np.minimum(np.arange(arkit.COUNT), arkit.MIRROR)]
    gains: NDArray[np.float64] = shared * rng.lognormal(0.0, 0.08, arkit.COUNT)
    return gains


def _bumps(rig: FaceRig, rng: np.random.Generator) -> NDArray[np.float32]:
    """How much each vertex belongs to each of the places where the anatomy differs, (V, K)."""
    skin = rig.neutral[rig.parts["skin"]]
    low, high = skin.min(axis=0), skin.max(axis=0)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    centres = middle + (rng.uniform(-1.0, 1.0, (_BUMPS, 3)) * [0.3, 0.8, 0.8] + [0.7, 0.0, 0.0]) * half
    width = 0.35 * float(np.mean(half))
    square = np.sum((rig.neutral[:, None, :] - centres) ** 2, axis=-1)
    return np.asarray(np.exp(-0.5 * square / width**2), dtype=np.float32)


def _warped(
    corrective: Corrective, turn: NDArray[np.floating], strength: NDArray[np.float32], scale: NDArray[np.float32]
) -> Corrective:
    """What two shapes add together, turned and stretched as the two are on average."""
    i, j = corrective.pair
    mean_turn = 0.5 * (turn[i] + turn[j]).astype(np.float32)
    mean_strength = np.sqrt(strength[i] * strength[j])
    delta = (corrective.delta @ mean_turn.T) * mean_strength[:, None] * scale
    return replace(corrective, delta=delta.astype(np.float32))
