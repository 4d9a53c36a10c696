"""Parts that lie on the skin and go with the triangle below them: eyebrows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model.head.half import Array, Indices, Region
from face_model.head.mesh import HeadMesh


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

    def ride(self, moved: Array) -> None:
        """Give the riders in `moved` (B, V, 3) the displacement of the skin below them, in place."""
        moved[:, self.riders] = np.einsum("nk,bnkc->bnc", self.weights, moved[:, self.corners])
