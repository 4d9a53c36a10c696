"""FaceRig refuses arrays that do not fit, and mixes shapes linearly."""

from __future__ import annotations

import pickle
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from face_model import arkit
from face_model.errors import FaceModelError
from face_model.rig import LANDMARKS, FaceRig


@pytest.fixture
def triangle() -> FaceRig:
    deltas = np.zeros((arkit.COUNT, 3, 3), dtype=np.float32)
    deltas[arkit.INDEX["jawOpen"], 0] = [0.0, 0.0, -0.02]
    deltas[arkit.INDEX["jawForward"], 0] = [0.005, 0.0, 0.0]
    return FaceRig(
        name="triangle",
        neutral=np.eye(3, dtype=np.float32),
        triangles=np.array([[0, 1, 2]], dtype=np.int32),
        deltas=deltas,
        colors=np.zeros((3, 3), dtype=np.uint8),
        parts={"skin": slice(0, 3)},
        landmarks=dict.fromkeys(LANDMARKS, 0),
        lip_vertices=np.array([0], dtype=np.int32),
    )


def test_vertices_of_one_frame_and_of_many(triangle: FaceRig) -> None:
    weights = np.zeros((2, arkit.COUNT))
    weights[1, arkit.INDEX["jawOpen"]] = 0.5
    weights[1, arkit.INDEX["jawForward"]] = 1.0
    many = triangle.vertices(weights)
    assert many.shape == (2, 3, 3)
    np.testing.assert_array_equal(many[0], triangle.neutral)
    np.testing.assert_allclose(many[1, 0], [1.005, 0.0, -0.01], atol=1e-7)
    np.testing.assert_allclose(triangle.vertices(weights[1]), many[1], atol=1e-7)


def test_deltas_of_another_shape_are_refused(triangle: FaceRig) -> None:
    with pytest.raises(FaceModelError, match="expected deltas of shape"):
        replace(triangle, deltas=triangle.deltas[:51])


def test_triangles_beyond_the_vertices_are_refused(triangle: FaceRig) -> None:
    with pytest.raises(FaceModelError, match="index beyond"):
        replace(triangle, triangles=np.array([[0, 1, 3]], dtype=np.int32))


def test_missing_landmarks_and_parts_are_named(triangle: FaceRig) -> None:
    with pytest.raises(FaceModelError, match="nose_tip"):
        replace(triangle, landmarks={name: 0 for name in LANDMARKS if name != "nose_tip"})
    with pytest.raises(FaceModelError, match="part skin"):
        replace(triangle, parts={})


def test_a_rig_can_be_sent_to_another_process(triangle: FaceRig) -> None:
    rig = replace(triangle, parts=MappingProxyType(dict(triangle.parts)))
    assert rig.displacements is rig.displacements
    sent = pickle.loads(pickle.dumps(rig))
    np.testing.assert_array_equal(sent.displacements, rig.displacements)
    assert dict(sent.parts) == dict(rig.parts)
