import numpy as np
import pytest

from face_model.face_state import FaceState
from face_model.rig import FaceRig
from face_viz.markers import TEXT_LENGTH, MarkerGeometry, state_text, status_colors
from face_viz.shown_sensors import SensorStatus


def test_geometry_is_the_rigs(small_rig: FaceRig) -> None:
    geometry = MarkerGeometry(small_rig)
    weights = np.random.default_rng(2).uniform(0, 1, 52).astype(np.float32)
    expected = small_rig.vertices(weights)
    vertices = geometry.vertices(weights)
    assert vertices == pytest.approx(expected, abs=1e-6)
    corners = geometry.corners(vertices)
    assert corners[3:6] == pytest.approx(expected[small_rig.triangles[1]], abs=1e-6)
    assert corners.flags.c_contiguous
    assert geometry.colors[4, :3] == pytest.approx(small_rig.colors[small_rig.triangles[1, 1]] / 255.0)
    assert (geometry.colors[:, 3] == 1.0).all()


def test_geometry_computes_in_place(small_rig: FaceRig) -> None:
    geometry = MarkerGeometry(small_rig)
    first = geometry.vertices(np.zeros(52, np.float32))
    second = geometry.vertices(np.ones(52, np.float32))
    assert np.shares_memory(first, second)


def test_cloud_holds_the_skin_with_packed_colours(small_rig: FaceRig) -> None:
    geometry = MarkerGeometry(small_rig)
    cloud = geometry.cloud(geometry.vertices(np.zeros(52, np.float32)))
    assert cloud.shape == (72, 4)
    assert cloud[:, :3] == pytest.approx(small_rig.neutral[:72])
    red, green, blue = (int(c) for c in small_rig.colors[7])
    assert cloud[7, 3:].view(np.uint32)[0] == (red << 16 | green << 8 | blue)


def test_every_state_and_status_is_told_apart() -> None:
    texts = [state_text(state) for state in (*FaceState, None)]
    assert len(set(texts)) == len(FaceState) + 1
    assert {len(text) for text in texts} == {TEXT_LENGTH}
    assert len(np.unique(status_colors(np.array(list(SensorStatus))), axis=0)) == len(SensorStatus)
    assert status_colors(np.zeros(0, np.uint8)).shape == (0, 4)
