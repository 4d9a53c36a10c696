"""Parts that go with the skin: eyebrows that lie on it, linings behind lips and lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imu_sim.head.half import Array, Indices, Region, smoothstep
from imu_sim.head.mesh import HeadMesh


@dataclass(frozen=True)
class Binding:
    """Each of `N` riding vertices and the skin triangle it rides on.

    Attributes:
        riders: (N,) vertices.
        corners: (N, 3) vertices of the triangle below each.
        weights: (N, 3) barycentric, seen from the front.
    """

    riders: Indices
    corners: Indices
    weights: Array

    @classmethod
    def of_brows(cls, mesh: HeadMesh) -> Binding:
        """Bind the eyebrows to the foremost skin before or behind them.

        Raises:
            ValueError: a brow with no skin at its place.
        """
        riders = np.flatnonzero(mesh.region == Region.BROW)
        skin = mesh.triangles[(mesh.region[mesh.triangles] <= Region.LID).all(axis=1)]
        skin = skin[(mesh.points[skin, 0] > 60.0).all(axis=1)]
        a, b, c = (mesh.points[skin[:, k]][None, :, 1:] for k in range(3))
        ab, ac, ap = b - a, c - a, mesh.points[riders][:, None, 1:] - a
        area = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]
        to_b = (ap[..., 0] * ac[..., 1] - ap[..., 1] * ac[..., 0]) / area
        to_c = (ab[..., 0] * ap[..., 1] - ab[..., 1] * ap[..., 0]) / area
        weights = np.stack([1.0 - to_b - to_c, to_b, to_c], axis=-1)
        least = weights.min(axis=-1)
        chosen = np.argmax(least, axis=1)
        rows = np.arange(len(riders))
        if least[rows, chosen].min() < -1e-6:
            raise ValueError("expected skin below every vertex of the brows, found none; see proportions.BROW_*")
        return cls(riders, skin[chosen], weights[rows, chosen])

    def ride(self, moved: NDArray[np.floating]) -> None:
        """Give the riders in `moved` (B, V, 3) the displacement of the skin below them, in place."""
        moved[:, self.riders] = np.einsum("nk,bnkc->bnc", self.weights, moved[:, self.corners])


@dataclass(frozen=True)
class Lining:
    """The inside of a mouth or an eye's socket, `N` vertices: at the margin it moves with the skin, deep inside alone.

    Attributes:
        inside: (N,) its vertices.
        nearest: (N,) the margin vertex that each goes with.
        share: (N, 1) how much it does.
    """

    inside: Indices
    nearest: Indices
    share: NDArray[np.float32]

    @classmethod
    def of(cls, mesh: HeadMesh, lining: Region, skin: Region, fade: tuple[float, float]) -> Lining:
        """The lining of a region, behind the margin of a region of the skin; it fades between two values of its s."""
        inside = np.flatnonzero(mesh.region == lining)
        margin = np.flatnonzero((mesh.region == skin) & (mesh.s == 0.0))
        share = smoothstep(fade[1], fade[0], mesh.s[inside])[:, None].astype(np.float32)
        return cls(inside, margin[_same_angle(mesh, inside, margin)], share)

    def follow(self, moved: NDArray[np.floating]) -> None:
        """Change the lining's displacements in `moved` (B, V, 3) by those of the margin, in place."""
        moved[:, self.inside] = self.share * moved[:, self.nearest] + (1.0 - self.share) * moved[:, self.inside]


def _same_angle(mesh: HeadMesh, inside: Indices, margin: Indices) -> Indices:
    """For each lining vertex the margin vertex of the same side and ring angle."""
    apart = np.abs(np.angle(np.exp(1j * (mesh.phi[inside][:, None] - mesh.phi[margin][None, :]))))
    other_eye = np.sign(mesh.points[inside, 1])[:, None] * np.sign(mesh.points[margin, 1])[None, :] < 0.0
    best: Indices = np.argmin(apart + 10.0 * (other_eye & (mesh.region[margin] == Region.LID)[None, :]), axis=1)
    return best
