from __future__ import annotations

import numpy as np
import pytest

from face_evaluation.metrics import surface_metrics
from face_model import arkit
from face_model.rig import LANDMARKS, Corrective, FaceRig

JAW = arkit.INDEX["jawOpen"]


def small_rig(*correctives):
    deltas = np.zeros((52, 4, 3), dtype=np.float32)
    deltas[JAW, 0] = [0.0, 0.0, -0.01]
    return FaceRig(
        name="four points",
        neutral=np.zeros((4, 3), dtype=np.float32),
        triangles=np.zeros((0, 3), dtype=np.int32),
        deltas=deltas,
        colors=np.zeros((4, 3), dtype=np.uint8),
        parts={"skin": slice(0, 2)},
        landmarks=dict.fromkeys(LANDMARKS, 0),
        lip_vertices=np.array([0], dtype=np.int32),
        correctives=correctives,
    )


def half_open_jaw():
    truth = np.zeros((10, 52), dtype=np.float32)
    estimate = truth.copy()
    estimate[:, JAW] = 0.5
    return truth, estimate


def test_millimetres_on_a_rig_of_four_points():
    metrics = surface_metrics(*half_open_jaw(), small_rig())  # 5 mm at the lip, half of that over two skin vertices
    assert metrics.lip_mm == pytest.approx(5.0, abs=1e-4)
    assert metrics.face_mm == pytest.approx(2.5, abs=1e-4)


def test_correctives_count():
    delta = np.zeros((4, 3), dtype=np.float32)
    delta[0] = [0.0, 0.0, 0.002]
    rig = small_rig(Corrective((JAW, JAW), delta))  # an in-between: full at half weight
    assert surface_metrics(*half_open_jaw(), rig).lip_mm == pytest.approx(3.0, abs=1e-4)
