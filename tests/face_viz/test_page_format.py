import json
from dataclasses import replace

import numpy as np
import pytest

from face_model.rig import FaceRig
from face_viz.page_format import STILL_M, encode_rig
from face_viz.relief import relief, vertex_normals

TYPES = {"f4": "<f4", "u4": "<u4", "u1": "u1"}


def decode(data: bytes) -> tuple[dict, dict]:
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    arrays = {
        name: np.frombuffer(data, TYPES[a["type"]], a["count"], 4 + length + a["offset"])
        for name, a in header["arrays"].items()
    }
    return header, arrays


def test_the_page_can_rebuild_the_face_at_any_weights(small_rig: FaceRig) -> None:
    header, arrays = decode(encode_rig(small_rig))
    weights = np.random.default_rng(1).uniform(0, 1, 52).astype(np.float32)
    positions = arrays["neutral"].reshape(-1, 3).copy()
    starts = arrays["delta_start"]
    active = [
        *weights,
        *(4 * weights[i] * (1 - weights[i]) if i == j else weights[i] * weights[j] for i, j in header["pairs"]),
    ]
    assert len(header["blendshapes"]) == 52
    assert len(header["pairs"]) == 2
    assert len(starts) == len(active) + 1
    for shape, weight in enumerate(active):
        part = slice(starts[shape], starts[shape + 1])
        np.add.at(positions, arrays["delta_index"][part], weight * arrays["delta_value"].reshape(-1, 3)[part])
    assert np.abs(positions - small_rig.vertices(weights)).max() < 54 * STILL_M


def test_arrays_start_on_whole_words_as_typed_arrays_need(small_rig: FaceRig) -> None:
    data = encode_rig(small_rig)
    length = int.from_bytes(data[:4], "little")
    header, _ = decode(data)
    assert (4 + length) % 4 == 0
    assert all(a["offset"] % 4 == 0 for a in header["arrays"].values())


def test_only_moved_vertices_are_sent(small_rig: FaceRig) -> None:
    _, arrays = decode(encode_rig(small_rig))
    assert len(arrays["delta_index"]) == 3 * 20 + 2 * 10


def test_eyes_are_glossier_than_skin_and_colours_are_kept(small_rig: FaceRig) -> None:
    _, arrays = decode(encode_rig(small_rig))
    color = arrays["color"].reshape(-1, 5)
    assert np.array_equal(color[:, :3], small_rig.colors)
    assert (color[small_rig.parts["eye_left"], 3] == 255).all()
    assert color[0, 3] == 0
    assert color[40, 3] > 0  # a lip vertex


def test_normals_of_a_sphere_point_outwards_and_are_unit() -> None:
    theta, phi = np.meshgrid(np.linspace(0.3, 2.8, 20), np.linspace(0, 2 * np.pi, 40), indexing="ij")
    points = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1).reshape(-1, 3)
    corner = (np.arange(19)[:, None] * 40 + np.arange(39)).ravel()
    triangles = np.concatenate(
        [np.stack([corner, corner + 40, corner + 41], 1), np.stack([corner, corner + 41, corner + 1], 1)]
    )
    normals = vertex_normals(points, triangles)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.sum(normals * points, axis=1).min() > 0.95


def test_a_dent_is_a_hollow_and_a_bump_a_ridge() -> None:
    y, z = (g.ravel() for g in np.meshgrid(np.linspace(-0.05, 0.05, 41), np.linspace(-0.05, 0.05, 41), indexing="ij"))
    height = 0.01 * (np.exp(-((y - 0.02) ** 2 + z**2) / 5e-5) - np.exp(-((y + 0.02) ** 2 + z**2) / 5e-5))
    corner = (np.arange(40)[:, None] * 41 + np.arange(40)).ravel()
    triangles = np.concatenate(
        [np.stack([corner, corner + 41, corner + 42], 1), np.stack([corner, corner + 42, corner + 1], 1)]
    )
    found = relief(np.stack([height, y, z], axis=1), triangles)
    assert found[np.argmax(height)] > 0.2
    assert found[np.argmin(height)] < -0.2


def test_the_lining_of_the_mouth_is_told_apart(small_rig: FaceRig) -> None:
    parts = {**small_rig.parts, "mouth": slice(30, 36)}
    assert decode(encode_rig(replace(small_rig, parts=parts)))[0]["inner"] == [[30, 36]]
    assert decode(encode_rig(small_rig))[0]["inner"] == []
