"""Faces as an estimator could give them, for the tests of what is made of them."""

from __future__ import annotations

import numpy as np

from face_model import arkit
from face_streams.face import RawFace


def made_up_face(state: str = "tracking", time_s: float = 1_700_000_000.25, **weights: float) -> RawFace:
    values = np.zeros(arkit.COUNT)
    for name, value in weights.items():
        values[arkit.INDEX[name]] = value
    head = np.array([0.1, -0.2, 0.3, 0.9])
    observable = np.array([not name.startswith(("eyeLook", "tongue")) for name in arkit.BLENDSHAPES])
    return RawFace(
        time_s, 7, state, values, np.full(arkit.COUNT, 0.75), observable, head / np.linalg.norm(head), "imusic 0.3.0"
    )
