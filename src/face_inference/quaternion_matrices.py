"""Products of quaternions x, y, z, w as matrices: one call for what would take dozens on small arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model import rotation

FloatArray = NDArray[np.floating]


def left_matrix(q: NDArray[np.floating]) -> FloatArray:
    """(..., 4) -> (..., 4, 4): `left_matrix(a) @ b` is the Hamilton product of a and b."""
    x, y, z, w = (q[..., i] for i in range(4))
    rows = [[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def right_matrix(q: NDArray[np.floating]) -> FloatArray:
    """(..., 4) -> (..., 4, 4): `right_matrix(b) @ a` is the Hamilton product of a and b."""
    x, y, z, w = (q[..., i] for i in range(4))
    rows = [[w, z, -y, x], [-z, w, x, y], [y, -x, w, z], [-x, -y, -z, w]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


ROTATION: FloatArray = (left_matrix(np.eye(4))[:, None] @ right_matrix(rotation.conjugate(np.eye(4))))[..., :3, :3]
"""(4, 4, 3, 3): the rotation matrix of q is the sum of q_i q_j ROTATION[i, j]."""
