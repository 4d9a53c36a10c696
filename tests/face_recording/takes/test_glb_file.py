"""GLB: weights come back bit for bit, and the head turns as it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from face_model import arkit, rotation
from face_model.faces import load_rig
from face_model.frames import to_graphics
from face_model.rig import FaceRig, activations
from face_recording.takes.errors import TakeError
from face_recording.takes.glb_file import head_rotation, read_glb_clip, write_glb_take
from face_recording.takes.take import Take
from made_up_takes import made_up, takes

pytest.importorskip("pygltflib", reason="pip install pygltflib")


@pytest.fixture(scope="module")
def small() -> FaceRig:
    """A face of a few triangles."""
    rng = np.random.default_rng(2)
    count = 12
    landmarks = ("pupil_left", "pupil_right", "mouth_corner_left", "mouth_corner_right", "lip_upper", "lip_lower")
    return FaceRig(
        name="small",
        neutral=rng.normal(size=(count, 3)).astype(np.float32),
        triangles=np.array([[0, 1, 2], [2, 3, 4], [6, 7, 8]], dtype=np.int32),
        deltas=rng.normal(size=(arkit.COUNT, count, 3)).astype(np.float32),
        colors=np.full((count, 3), 200, dtype=np.uint8),
        parts={"skin": slice(0, 6), "eye_left": slice(6, 12)},
        landmarks={name: i for i, name in enumerate((*landmarks, "nose_tip", "chin"))},
        lip_vertices=np.array([4, 5], dtype=np.int32),
    )


@given(take=takes(least=1, plausible=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_weights_come_back_bit_for_bit(tmp_path: Path, small: FaceRig, take: Take) -> None:
    write_glb_take(take, small, tmp_path / "take.glb")
    clip = read_glb_clip(tmp_path / "take.glb")
    assert clip.names == arkit.BLENDSHAPES
    assert clip.weights.tobytes() == take.weights.tobytes()
    assert clip.times_s.tobytes() == take.times_s.astype(np.float32).tobytes()
    assert clip.rotation.tobytes() == head_rotation(take.head_orientation).tobytes()


def test_the_head_turns_in_gltfs_axes_as_in_ours() -> None:
    take = made_up(50)
    points = np.random.default_rng(3).normal(size=(50, 3))
    turned = head_rotation(take.head_orientation).astype(np.float64)
    found = rotation.rotate(turned, to_graphics(points))
    assert np.allclose(found, to_graphics(rotation.rotate(take.head_orientation, points)), atol=1e-6)


def test_no_orientation_and_a_jump_of_sign_turn_nothing() -> None:
    q = np.array([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, -1.0], [0.0, 0.0, 0.0, 0.0]])
    assert np.array_equal(head_rotation(q)[:2], np.array([[0, 0, 0, 1], [0, 0, 0, 1]], np.float32))
    assert np.allclose(np.abs(head_rotation(q)[2]), [0, 0, 0, 1])


def test_the_head_with_its_correctives(tmp_path: Path) -> None:
    rig, take = load_rig(), made_up(4)
    write_glb_take(take, rig, tmp_path / "take.glb", correctives=True)
    clip = read_glb_clip(tmp_path / "take.glb")
    assert clip.names[: arkit.COUNT] == arkit.BLENDSHAPES
    assert len(clip.names) == arkit.COUNT + len(rig.pairs) == len(set(clip.names))
    assert np.array_equal(clip.weights, activations(take.weights, rig.pairs).astype(np.float32))


def test_an_empty_take_is_refused(tmp_path: Path, small: FaceRig) -> None:
    with pytest.raises(TakeError, match="found none"):
        write_glb_take(made_up(3).rows(slice(0, 0)), small, tmp_path / "take.glb")
    (tmp_path / "odd.glb").write_bytes(b"glTF no")
    with pytest.raises(TakeError):
        read_glb_clip(tmp_path / "odd.glb")
