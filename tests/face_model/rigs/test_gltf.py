"""glTF files, written by hand here as the specification has them."""

from __future__ import annotations

import base64
import io
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from face_model import arkit
from face_model.errors import RigFeatureError, RigFileError
from face_model.rig import FaceRig
from face_model.rigs.export import write_glb
from face_model.rigs.gltf import read_gltf
from face_model.rigs.load import load_face

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], "<f4")
OPEN = np.array([[0, 0, 0], [0, 0, 0], [0, -1, 0], [0, 0, 0]], "<f4")
TYPES = {"<f4": 5126, "<u2": 5123, "<u4": 5125, "|u1": 5121, "<i2": 5122, "|i1": 5120}


class Scene:
    """A glTF file in the making: one square with the morph target jawOpen, changed at will before it is written."""

    def __init__(self) -> None:
        self.blob = b""
        self.content: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0, "name": "square"}],
            "bufferViews": [],
            "accessors": [],
        }
        primitive = {
            "attributes": {"POSITION": self.accessor(SQUARE)},
            "indices": self.accessor(np.array([0, 1, 2, 0, 2, 3], "<u2")),
            "targets": [{"POSITION": self.accessor(OPEN)}],
        }
        self.content["meshes"] = [{"primitives": [primitive], "extras": {"targetNames": ["jawOpen"]}}]

    @property
    def mesh(self) -> dict[str, Any]:
        return self.content["meshes"][0]  # type: ignore[no-any-return]

    @property
    def primitive(self) -> dict[str, Any]:
        return self.mesh["primitives"][0]  # type: ignore[no-any-return]

    def view(self, values: NDArray[Any]) -> int:
        self.content["bufferViews"].append({"buffer": 0, "byteOffset": len(self.blob), "byteLength": values.nbytes})
        self.blob += values.tobytes() + b"\0" * (-values.nbytes % 4)
        return len(self.content["bufferViews"]) - 1

    def accessor(self, values: NDArray[Any], **more: Any) -> int:
        width = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[values[0].size]
        entry = {"componentType": TYPES[values.dtype.str], "count": len(values), "type": width}
        self.content["accessors"].append({"bufferView": self.view(values), **entry, **more})
        return len(self.content["accessors"]) - 1

    def write_glb(self, path: Path) -> Path:
        self.content["buffers"] = [{"byteLength": len(self.blob)}]
        text = json.dumps(self.content).encode()
        text += b" " * (-len(text) % 4)
        chunks = (
            struct.pack("<II", len(text), 0x4E4F534A)
            + text
            + struct.pack("<II", len(self.blob), 0x004E4942)
            + self.blob
        )
        path.write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks)
        return path

    def write_gltf(self, path: Path, uri: str = "") -> Path:
        uri = uri or "data:application/gltf-buffer;base64," + base64.b64encode(self.blob).decode()
        self.content["buffers"] = [{"byteLength": len(self.blob), "uri": uri}]
        path.write_text(json.dumps(self.content))
        return path


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "face.glb"


def test_a_plain_file(scene: Scene, path: Path) -> None:
    raw = read_gltf(scene.write_glb(path))
    np.testing.assert_array_equal(raw.vertices, SQUARE)
    np.testing.assert_array_equal(raw.shapes["jawOpen"], OPEN)
    assert raw.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert raw.groups == {"square": slice(0, 4)}
    assert np.isnan(raw.colors).all()


def test_buffers_in_the_text_and_beside_it(scene: Scene, tmp_path: Path) -> None:
    inside = read_gltf(scene.write_gltf(tmp_path / "inside.gltf"))
    (tmp_path / "the mesh.bin").write_bytes(scene.blob)
    beside = read_gltf(scene.write_gltf(tmp_path / "beside.gltf", "the%20mesh.bin"))
    np.testing.assert_array_equal(inside.vertices, beside.vertices)


def test_nodes_carry_their_meshes_and_mirroring_turns_triangles_round(scene: Scene, path: Path) -> None:
    half = float(np.sqrt(0.5))
    scene.content["nodes"] = [
        {"mesh": 0, "scale": [-2, 2, 2]},
        {"children": [0], "translation": [0, 0, 5], "rotation": [0, 0, half, half]},
    ]
    scene.content["scenes"] = [{"nodes": [1]}]
    raw = read_gltf(scene.write_glb(path))
    np.testing.assert_allclose(raw.vertices, [[0, 0, 5], [0, -2, 5], [-2, -2, 5], [-2, 0, 5]], atol=1e-6)
    np.testing.assert_allclose(raw.shapes["jawOpen"][2], [2, 0, 0], atol=1e-6)
    a, b, c = raw.vertices[raw.triangles[0]]
    assert np.cross(b - a, c - a)[2] > 0, "seen from the same side as before"


def test_skins_pose_vertices_and_shapes(scene: Scene, path: Path) -> None:
    share = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0.5, 0, 0]], "<f4")
    scene.primitive["attributes"] |= {
        "WEIGHTS_0": scene.accessor(share),
        "JOINTS_0": scene.accessor(np.array([[0, 1, 0, 0]] * 4, "|u1")),
    }
    bind = np.tile(np.eye(4, dtype="<f4").ravel(), (2, 1))
    scene.content["skins"] = [{"joints": [1, 2], "inverseBindMatrices": scene.accessor(bind)}]
    scene.content["nodes"] = [
        {"mesh": 0, "skin": 0, "translation": [9, 9, 9]},  # of no effect, says the specification
        {"translation": [0, 0, 1]},
        {"scale": [3, 3, 3]},
    ]
    scene.content["scenes"] = [{"nodes": [0, 1, 2]}]
    raw = read_gltf(scene.write_glb(path))
    np.testing.assert_allclose(raw.vertices, [[0, 0, 1], [1, 0, 1], [3, 3, 0], [0, 2, 0.5]], atol=1e-6)
    np.testing.assert_allclose(raw.shapes["jawOpen"][2], [0, -3, 0], atol=1e-6)


def test_sparse_targets_over_nothing_and_over_something(scene: Scene, path: Path) -> None:
    sparse = {
        "count": 1,
        "indices": {"bufferView": scene.view(np.array([2], "<u2")), "componentType": 5123},
        "values": {"bufferView": scene.view(np.array([[0, -1, 0]], "<f4"))},
    }
    scene.content["accessors"].append({"componentType": 5126, "count": 4, "type": "VEC3", "sparse": sparse})
    scene.primitive["targets"][0]["POSITION"] = len(scene.content["accessors"]) - 1
    scene.content["accessors"][0]["sparse"] = sparse
    raw = read_gltf(scene.write_glb(path))
    np.testing.assert_array_equal(raw.shapes["jawOpen"], OPEN)
    np.testing.assert_array_equal(raw.vertices[2], [0, -1, 0])
    np.testing.assert_array_equal(raw.vertices[1], SQUARE[1])


def test_interleaved_and_quantised_positions(scene: Scene, path: Path) -> None:
    rows = np.zeros((4, 6), "<i2")
    rows[:, :3] = np.rint(SQUARE * 32767)
    index = scene.view(rows)
    scene.content["bufferViews"][index]["byteStride"] = 12
    scene.content["accessors"][0] = {
        "bufferView": index,
        "componentType": 5122,
        "normalized": True,
        "count": 4,
        "type": "VEC3",
    }
    scene.content["extensionsRequired"] = ["KHR_mesh_quantization"]
    np.testing.assert_allclose(read_gltf(scene.write_glb(path)).vertices, SQUARE, atol=1e-4)


@pytest.mark.parametrize(
    ("mode", "corners", "expected"),
    [(5, [0, 1, 3, 2], [[0, 1, 3], [2, 3, 1]]), (6, [0, 1, 2, 3], [[0, 1, 2], [0, 2, 3]])],
)
def test_strips_and_fans(scene: Scene, path: Path, mode: int, corners: list[int], expected: list[list[int]]) -> None:
    scene.primitive.update({"mode": mode, "indices": scene.accessor(np.array(corners, "<u2"))})
    assert read_gltf(scene.write_glb(path)).triangles.tolist() == expected


def test_several_meshes_become_one_face(scene: Scene, path: Path) -> None:
    second = {
        "name": "teeth",
        "primitives": [
            {
                "attributes": {"POSITION": scene.accessor(SQUARE + np.float32(3))},
                "targets": [{"POSITION": scene.accessor(OPEN)}, {"POSITION": scene.accessor(2 * OPEN)}],
                "extras": {"targetNames": ["blendShape.JawOpen", "wink"]},
                "indices": scene.primitive["indices"],
            },
            {"attributes": {"POSITION": 0}, "mode": 0},  # points are passed over
        ],
    }
    scene.content["meshes"].append(second)
    scene.content["nodes"].append({"mesh": 1})
    scene.content["scenes"] = [{"nodes": [0, 1]}]
    raw = read_gltf(scene.write_glb(path), {"blendShape.JawOpen": "mouthClose"})
    assert raw.groups == {"square": slice(4, 8), "teeth": slice(0, 4)} or raw.groups == {
        "square": slice(0, 4),
        "teeth": slice(4, 8),
    }
    np.testing.assert_array_equal(raw.shapes["mouthClose"][raw.groups["teeth"]], OPEN)
    np.testing.assert_array_equal(raw.shapes["mouthClose"][raw.groups["square"]], 0 * OPEN)
    assert raw.unknown_shapes == ("wink",)
    assert raw.triangles.max() == 7


def test_colours_come_from_the_texture_the_factor_and_the_vertices(scene: Scene, path: Path) -> None:
    import io

    from PIL import Image

    picture = io.BytesIO()
    image = Image.new("RGB", (2, 2), (255, 255, 255))
    image.putpixel((1, 0), (255, 0, 0))
    image.save(picture, "PNG")
    scene.content |= {
        "images": [{"uri": "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()}],
        "textures": [{"source": 0}],
        "materials": [
            {
                "name": "skin",
                "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "baseColorFactor": [1, 0.2140, 1, 1]},
            }
        ],
    }
    uv = np.array([[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]], "<f4")
    dark = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1]], "<f4")
    scene.primitive["attributes"] |= {"TEXCOORD_0": scene.accessor(uv), "COLOR_0": scene.accessor(dark)}
    scene.primitive["material"] = 0
    colors = read_gltf(scene.write_glb(path)).colors
    np.testing.assert_allclose(colors, [[255, 127.5, 255], [255, 0, 0], [255, 127.5, 0], [255, 127.5, 255]], atol=1.5)


def _no_names(scene: Scene) -> None:
    del scene.mesh["extras"]


def _few_names(scene: Scene) -> None:
    scene.mesh["extras"] = {"targetNames": []}


def _meshopt(scene: Scene) -> None:
    scene.content["extensionsUsed"] = ["EXT_meshopt_compression"]


def _unheard(scene: Scene) -> None:
    scene.content["extensionsRequired"] = ["ACME_secret"]


def _cut(scene: Scene) -> None:
    scene.blob = scene.blob[:40]


def _cycle(scene: Scene) -> None:
    scene.content["nodes"] = [{"mesh": 0, "children": [1]}, {"children": [0]}]


def _beyond(scene: Scene) -> None:
    scene.primitive["attributes"]["POSITION"] = 99


def _negative(scene: Scene) -> None:
    scene.content["accessors"][0]["count"] = -4


def _component(scene: Scene) -> None:
    scene.content["accessors"][0]["componentType"] = 1


def _nan(scene: Scene) -> None:
    scene.blob = np.full(3, np.nan, "<f4").tobytes() + scene.blob[12:]


def _index(scene: Scene) -> None:
    scene.primitive["indices"] = scene.accessor(np.array([0, 1, 7], "<u2"))


def _lengths(scene: Scene) -> None:
    scene.primitive["targets"][0]["POSITION"] = scene.accessor(OPEN[:3])


def _no_mesh(scene: Scene) -> None:
    scene.content["meshes"] = []


def _other_names(scene: Scene) -> None:
    scene.mesh["extras"] = {"targetNames": ["wink"]}


def _still(scene: Scene) -> None:
    scene.primitive["targets"][0]["POSITION"] = scene.accessor(0 * OPEN)


@pytest.mark.parametrize(
    ("damage", "error", "expected"),
    [
        (_no_names, RigFileError, "targetNames"),
        (_few_names, RigFileError, "expected names of the 1 morph targets"),
        (_meshopt, RigFeatureError, "EXT_meshopt_compression.*gltf-transform"),
        (_unheard, RigFeatureError, "ACME_secret"),
        (_cut, RigFileError, "cut off"),
        (_cycle, RigFileError, "tree|mesh"),
        (_beyond, RigFileError, "accessor 99"),
        (_negative, RigFileError, "accessor|cut off"),
        (_component, RigFileError, "accessor 0"),
        (_nan, RigFileError, "finite"),
        (_index, RigFileError, "found 0 to 7"),
        (_lengths, RigFileError, "expected 4 vertices, found 3"),
        (_no_mesh, RigFileError, "found none"),
        (_other_names, RigFileError, "found wink"),
        (_still, RigFileError, "ARKit names"),
    ],
)
def test_broken_files_are_refused(
    scene: Scene, path: Path, damage: Callable[[Scene], None], error: type[RigFileError], expected: str
) -> None:
    damage(scene)
    with pytest.raises(error, match=expected):
        read_gltf(scene.write_glb(path))


def test_a_buffer_outside_the_folder_is_not_read(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_bytes(scene.blob)
    (tmp_path / "rig").mkdir()
    with pytest.raises(RigFileError, match="beside it"):
        read_gltf(scene.write_gltf(tmp_path / "rig" / "face.gltf", "../outside.bin"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_any_damage_gives_a_rig_or_a_typed_error(data: st.DataObject, path: Path) -> None:
    whole = Scene().write_glb(path).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:at] + data.draw(st.binary(max_size=4)) + whole[data.draw(st.integers(at, len(whole))) :])
    try:
        raw = read_gltf(path)
    except RigFileError:
        return
    assert raw.triangles.max() < len(raw.vertices)


def test_the_generated_head_comes_back_from_a_glb(head: FaceRig, glb: Path) -> None:
    face = load_face(glb)
    rig = face.rig
    assert not face.absent
    assert not face.unknown
    assert not face.pose.mirrored
    np.testing.assert_array_equal(face.pose.axes, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert len(rig.triangles) >= len(head.triangles) - 200  # those without area are left out
    eye = head.neutral[head.landmarks["pupil_left"]]
    assert rig.neutral[rig.landmarks["pupil_left"]] == pytest.approx(eye, abs=0.005), "the origin is found by the ears"
    moved = rig.neutral[rig.landmarks["pupil_left"]] - eye
    for name in head.landmarks:
        apart = rig.neutral[rig.landmarks[name]] - moved - head.neutral[head.landmarks[name]]
        assert np.linalg.norm(apart) < (0.012 if name == "chin" else 0.004), name
    weights = np.random.default_rng(3).uniform(0.0, 1.0, arkit.COUNT)
    ours, theirs = head.vertices(weights), rig.vertices(weights)
    away, _ = cKDTree(ours).query(theirs - moved)
    assert np.percentile(away, 99) < 1e-5
    near, vertex = cKDTree(head.neutral).query(rig.neutral - moved)
    exact = near < 1e-6
    same = np.abs(rig.colors[exact].astype(int) - head.colors[vertex[exact]]).max(axis=1) <= 1
    assert same.mean() > 0.98, "only where two parts touch may the nearest be another"
    assert {"skin", "eye_left", "eye_right", "teeth", "tongue"} <= set(rig.parts)


def picture(form: str) -> bytes:
    """Red on the left, blue on the right."""
    image = pytest.importorskip("PIL.Image", reason="no pillow; pip install pillow")
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, :8, 0], pixels[:, 8:, 2] = 255, 255
    stored = io.BytesIO()
    image.fromarray(pixels).save(stored, form)
    return stored.getvalue()


def textured(scene: Scene, data: bytes, texture: dict[str, Any]) -> None:
    raw = np.frombuffer(data, np.uint8)
    scene.content["images"] = [{"bufferView": scene.view(raw), "mimeType": "image/any"}]
    scene.content["textures"] = [texture]
    scene.content["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    coordinates = np.array([[0.1, 0.5], [0.9, 0.5], [0.9, 0.5], [0.1, 0.5]], "<f4")
    scene.primitive["attributes"]["TEXCOORD_0"] = scene.accessor(coordinates)
    scene.primitive["material"] = 0


def test_colours_in_webp_are_read(scene: Scene, path: Path) -> None:
    textured(scene, picture("WEBP"), {"extensions": {"EXT_texture_webp": {"source": 0}}})
    colors = read_gltf(scene.write_glb(path)).colors
    assert np.argmax(colors, axis=1).tolist() == [0, 2, 2, 0]


@pytest.mark.parametrize("texture", [{"extensions": {"KHR_texture_basisu": {"source": 0}}}, {"source": 0}, {}])
def test_colours_that_cannot_be_read_are_plain_not_white(scene: Scene, path: Path, texture: dict[str, Any]) -> None:
    textured(scene, b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(100), texture)
    raw = read_gltf(scene.write_glb(path))
    assert np.isnan(raw.colors).all()
    assert any("plain" in note for note in raw.notes)


def test_a_mesh_without_names_is_left_out_beside_one_with(scene: Scene, path: Path) -> None:
    second = {"name": "lashes", "primitives": [dict(scene.primitive)]}
    scene.content["meshes"].append(second)
    scene.content["nodes"].append({"mesh": 1, "name": "lashes"})
    scene.content["scenes"] = [{"nodes": [0, 1]}]
    raw = read_gltf(scene.write_glb(path))
    assert not raw.shapes["jawOpen"][4:].any()
    assert any("lashes: 1 morph targets without a name" in note for note in raw.notes)


def test_names_may_stand_at_the_targets(scene: Scene, path: Path) -> None:
    del scene.mesh["extras"]
    scene.primitive["targets"][0]["extras"] = {"name": "JawOpen"}
    np.testing.assert_array_equal(read_gltf(scene.write_glb(path)).shapes["jawOpen"], OPEN)


@pytest.mark.parametrize("version", [0, 1])
def test_an_avatar_names_its_shapes_by_expressions(scene: Scene, tmp_path: Path, version: int) -> None:
    scene.mesh["extras"] = {"targetNames": ["Fcl_ALL_Fun"]}
    if version == 0:
        bind = {"mesh": 0, "index": 0, "weight": 100}
        scene.content["extensions"] = {
            "VRM": {"blendShapeMaster": {"blendShapeGroups": [{"name": "JawOpen", "binds": [bind]}, {"name": "Joy"}]}}
        }
    else:
        expression = {"morphTargetBinds": [{"node": 0, "index": 0, "weight": 1.0}]}
        scene.content["extensions"] = {"VRMC_vrm": {"expressions": {"custom": {"jawOpen": expression}}}}
    scene.content["extensionsUsed"] = ["VRM", "VRMC_vrm"]
    raw = read_gltf(scene.write_glb(tmp_path / "avatar.vrm"))
    np.testing.assert_array_equal(raw.shapes["jawOpen"], OPEN)


def test_a_combination_does_not_replace_the_plain_shape(scene: Scene, path: Path) -> None:
    small = scene.accessor(np.array([[1e-4, 0, 0]] * 4, "<f4"))
    scene.primitive["targets"] = [{"POSITION": small}, {"POSITION": small}, *scene.primitive["targets"]]
    scene.mesh["extras"] = {"targetNames": ["mouthClose_jawOpen", "jawOpen_mouthClose", "jawOpen"]}
    raw = read_gltf(scene.write_glb(path))
    assert list(raw.shapes) == ["jawOpen"]
    np.testing.assert_array_equal(raw.shapes["jawOpen"], OPEN)
    assert any("combinations of shapes, not used: mouthClose_jawOpen, jawOpen_mouthClose" in n for n in raw.notes)


def test_a_shape_that_moves_nothing_gives_way_to_one_that_does(scene: Scene, path: Path) -> None:
    nothing = scene.accessor(np.zeros((4, 3), "<f4"))
    scene.primitive["targets"] = [{"POSITION": nothing}, *scene.primitive["targets"], {"POSITION": nothing}]
    scene.mesh["extras"] = {"targetNames": ["jawOpen", "Head_jawOpen", "cheekPuff"]}
    raw = read_gltf(scene.write_glb(path))
    assert list(raw.shapes) == ["jawOpen"]
    np.testing.assert_array_equal(raw.shapes["jawOpen"], OPEN)
    assert any("move nothing" in note and "cheekPuff" in note for note in raw.notes)


def test_a_vertex_without_joint_weights_follows_one_joint(scene: Scene, path: Path) -> None:
    share = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]], "<f4")
    scene.primitive["attributes"] |= {
        "WEIGHTS_0": scene.accessor(share),
        "JOINTS_0": scene.accessor(np.array([[0, 0, 0, 0]] * 4, "|u1")),
    }
    scene.content["skins"] = [{"joints": [1]}]
    scene.content["nodes"] = [{"mesh": 0, "skin": 0, "name": "square"}, {"translation": [0, 0, 1]}]
    scene.content["scenes"] = [{"nodes": [0, 1]}]
    raw = read_gltf(scene.write_glb(path))
    np.testing.assert_allclose(raw.vertices, SQUARE + np.float32([0, 0, 1]))
    assert any("1 vertices without joint weights" in note for note in raw.notes)


def test_a_byte_order_mark_does_no_harm(scene: Scene, tmp_path: Path) -> None:
    path = scene.write_gltf(tmp_path / "face.gltf")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    np.testing.assert_array_equal(read_gltf(path).vertices, SQUARE)


def draco_scene(scene: Scene) -> None:
    draco = pytest.importorskip("DracoPy", reason="no DracoPy; pip install DracoPy")
    data = draco.encode(SQUARE, np.array([[0, 1, 2], [0, 2, 3]]), preserve_order=True, quantization_bits=14)
    unique = draco.decode(data).attributes[0]["unique_id"]
    packed = {"bufferView": scene.view(np.frombuffer(data, np.uint8)), "attributes": {"POSITION": unique}}
    scene.primitive["extensions"] = {"KHR_draco_mesh_compression": packed}
    scene.content["extensionsRequired"] = scene.content["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    for index in (scene.primitive["attributes"]["POSITION"], scene.primitive["indices"]):
        scene.content["accessors"][index].pop("bufferView")


def test_draco_is_read_where_its_library_is(scene: Scene, path: Path) -> None:
    draco_scene(scene)
    raw = read_gltf(scene.write_glb(path))
    np.testing.assert_allclose(raw.vertices, SQUARE, atol=1e-3)
    assert raw.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    np.testing.assert_array_equal(raw.shapes["jawOpen"], OPEN)


def test_draco_without_its_library_says_what_to_install(
    scene: Scene, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draco_scene(scene)
    monkeypatch.setitem(sys.modules, "DracoPy", None)
    with pytest.raises(RigFeatureError, match="pip install DracoPy"):
        read_gltf(scene.write_glb(path))


def test_a_damaged_draco_mesh_is_refused(scene: Scene, path: Path) -> None:
    draco_scene(scene)
    packed = scene.primitive["extensions"]["KHR_draco_mesh_compression"]
    packed["bufferView"] = scene.view(np.frombuffer(b"DRACO no more" * 5, np.uint8))
    with pytest.raises(RigFileError, match="compressed with Draco"):
        read_gltf(scene.write_glb(path))


@pytest.mark.shared
def test_the_shared_case_of_combinations(shared: Path, tmp_path: Path, head: FaceRig) -> None:
    script = shared / "cases" / "combo_glb.py"
    if not script.is_file():
        pytest.skip(f"no {script.name} in the shared cases")
    write_glb(head, tmp_path / "head.glb")
    command = [sys.executable, str(script), str(tmp_path / "head.glb"), str(tmp_path / "combo.glb")]
    subprocess.run(command, check=True, timeout=120)
    plain, combo = load_face(tmp_path / "head.glb"), load_face(tmp_path / "combo.glb")
    for name, most_mm in (("mouthClose", 22.5), ("eyeLookDownLeft", 6.0)):
        row = arkit.INDEX[name]
        reach = [1000.0 * np.linalg.norm(face.rig.deltas[row], axis=1).max() for face in (plain, combo)]
        assert reach[1] == pytest.approx(reach[0], rel=1e-6)
        assert reach[0] == pytest.approx(most_mm, abs=0.6)
    assert any("jawOpen_mouthClose" in note and "not used" in note for note in combo.notes)
