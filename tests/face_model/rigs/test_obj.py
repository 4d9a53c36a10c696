import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit
from face_model.errors import RigFileError, RigGeometryError
from face_model.rigs.load import load_face
from face_model.rigs.obj import read_obj_folder

from .conftest import SOME, ObjFolder

AXES = {
    "y up": np.eye(3),
    "z up, -y forward": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "z up, x forward": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "backwards": np.diag([-1.0, 1.0, -1.0]),
}


def distance_m(found, rig, name: str) -> float:  # type: ignore[no-untyped-def]
    """Between a landmark of two faces, each seen from its own eyes, as origins are estimated."""
    places = [face.neutral[face.landmarks[name]] - face.neutral[face.landmarks["pupil_left"]] for face in (found, rig)]
    return float(np.linalg.norm(places[0] - places[1]))


@pytest.mark.parametrize(
    ("axes", "unit", "scale"),
    [
        ("y up", "unknown", 0.37),
        ("z up, -y forward", "m", 1.0),
        ("z up, x forward", "cm", 100.0),
        ("backwards", "mm", 1000.0),
    ],
)
def test_axes_units_and_landmarks_are_found(obj_folder: ObjFolder, axes: str, unit: str, scale: float) -> None:
    rig = obj_folder.rig
    obj_folder.turn, obj_folder.scale = AXES[axes], scale
    face = load_face(obj_folder.write(SOME))
    assert f"unit: {unit}" in " ".join(face.pose.text)
    assert not face.pose.mirrored
    np.testing.assert_allclose(face.pose.axes @ AXES[axes], [[0, 0, 1], [1, 0, 0], [0, 1, 0]], atol=1e-6)
    size = face.pose.metres_per_unit * scale
    assert size == pytest.approx(1.0, abs=1e-9 if unit != "unknown" else 0.03)
    tolerance = 0.004 + abs(size - 1.0) * 0.15
    for name in ("pupil_right", "mouth_corner_left", "mouth_corner_right", "lip_upper", "lip_lower", "nose_tip"):
        assert distance_m(face.rig, rig, name) < tolerance, name
    assert distance_m(face.rig, rig, "chin") < 0.012
    assert (
        np.abs(face.rig.neutral[face.rig.landmarks["pupil_left"]] - rig.neutral[rig.landmarks["pupil_left"]]).max()
        < 0.012
    )
    assert set(face.absent) == set(arkit.BLENDSHAPES) - set(SOME)
    jaw = arkit.INDEX["jawOpen"]
    np.testing.assert_allclose(face.rig.deltas[jaw].min(axis=0), rig.deltas[jaw].min(axis=0), atol=0.002)


def test_a_turned_head_is_straightened(obj_folder: ObjFolder) -> None:
    cos, sin = np.cos(0.7), np.sin(0.7)
    obj_folder.turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    face = load_face(obj_folder.write(SOME))
    eyes = [face.rig.neutral[face.rig.landmarks[f"pupil_{side}"]] for side in ("left", "right")]
    assert np.abs((eyes[0] - eyes[1])[[0, 2]]).max() < 0.004
    assert "straightened" in " ".join(face.pose.text)


def test_triangles_that_run_clockwise_are_turned_round(obj_folder: ObjFolder) -> None:
    face = load_face(obj_folder.write(SOME, clockwise=True))
    a, b, c = (face.rig.neutral[face.rig.triangles[:, k]] for k in range(3))
    skin = face.rig.triangles[:, 0] < face.rig.parts["skin"].stop
    forward = np.cross(b - a, c - a)[skin, 0]
    assert forward[a[skin, 0] > 0.09].sum() > 0
    assert any("clockwise" in note for note in face.notes)


def test_names_that_exchange_left_and_right_are_noticed(obj_folder: ObjFolder) -> None:
    names = {name: arkit.mirrored(name) for name in SOME}
    face = load_face(obj_folder.write(SOME, names))
    assert face.pose.mirrored
    smile = face.rig.deltas[arkit.INDEX["mouthSmileLeft"]]
    assert np.abs(smile).max(axis=1) @ face.rig.neutral[:, 1] < 0, "the names are kept as they are in the file"


def test_polygons_groups_colours_and_negative_indices(tmp_path) -> None:  # type: ignore[no-untyped-def]
    corners = [f"v {x} {y} 0 1 0.5 0" for x, y in ((0, 0), (1, 0), (2, 1), (1, 2), (0, 1))] + [
        "v 5 5 5",
        "v 6 5 5",
        "v 5 6 5",
    ]
    text = "\n".join([*corners, "g plate", "f 1/1/1 2/2/1 3//1 4 5", "g bit", "f -3 -2 -1"])
    (tmp_path / "neutral.obj").write_text(text)
    (tmp_path / "jawOpen.obj").write_text(text.replace("v 2 1 0", "v 2 1 7"))
    raw = read_obj_folder(tmp_path)
    assert raw.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4], [5, 6, 7]]
    assert raw.groups == {"plate": slice(0, 5), "bit": slice(5, 8)}
    assert raw.colors[0].tolist() == [255, 127.5, 0]
    assert np.isnan(raw.colors[5]).all()
    assert raw.shapes["jawOpen"][2].tolist() == [0, 0, 7]


def test_tabs_and_a_byte_order_mark_do_no_harm(tmp_path) -> None:  # type: ignore[no-untyped-def]
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
    neutral = "".join(f"v\t{x}\t{y} {z}\n" for x, y, z in corners) + "f\t1 2\t3\n"
    (tmp_path / "neutral.obj").write_text(neutral, encoding="utf-8-sig")
    (tmp_path / "jawOpen.obj").write_text("".join(f"v {x} {y - 1} {z}\n" for x, y, z in corners), encoding="utf-8-sig")
    raw = read_obj_folder(tmp_path)
    assert len(raw.vertices) == 4
    assert raw.triangles.tolist() == [[0, 1, 2]]
    assert (raw.shapes["jawOpen"] == [0, -1, 0]).all()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "expected neutral.obj, found no .obj file"),
        ({"smile.obj": "v 0 0 0"}, "expected neutral.obj, found smile"),
        ({"neutral.obj": "hello"}, "expected lines `v x y z`, found 0 vertices"),
        ({"neutral.obj": "v 1 2 x"}, "Wavefront OBJ"),
        ({"neutral.obj": "v 1 2"}, "expected lines"),
        ({"neutral.obj": "v 0 0 0\n" * 4}, "0 triangles"),
        ({"neutral.obj": "v 0 0 0\n" * 4 + "f 1 2 a"}, "line 5: expected vertex indices"),
        ({"neutral.obj": "v 0 0 0\n" * 4 + "f 1 2 9"}, "line 5: expected vertex indices"),
        ({"neutral.obj": "v 0 0 0\n" * 4 + f"f 1 2 {10**22}"}, "line 5: expected vertex indices"),
        ({"neutral.obj": "v 0 0 0\n" * 4 + "f 1 2 1e22"}, "line 5: expected vertex indices"),
        ({"neutral.obj": "v 0 0 nan\n" * 4 + "f 1 2 3"}, "finite"),
        ({"neutral.obj": "v 0 0 0\n" * 4 + "f 1 2 3"}, "ARKit names"),
        (
            {"neutral.obj": "v 0 0 0\n" * 4 + "f 1 2 3", "jawOpen.obj": "v 0 0 0"},
            "expected 4 vertices as in neutral.obj, found 1",
        ),
    ],
)
def test_broken_folders_are_refused_with_what_to_do(tmp_path, files: dict[str, str], expected: str) -> None:  # type: ignore[no-untyped-def]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(RigFileError, match=expected):
        read_obj_folder(tmp_path)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (["jawOpen"], "axes"),
        ([name for name in SOME if "Blink" not in name], "pupil_left and pupil_right"),
        ([name for name in SOME if name != "jawOpen"], "jawOpen"),
    ],
)
def test_too_few_shapes_to_understand_a_face(obj_folder: ObjFolder, shapes: list[str], expected: str) -> None:
    with pytest.raises(RigGeometryError, match=expected):
        load_face(obj_folder.write(shapes))


@given(st.text(alphabet="vf 0123456789./-\nge#", max_size=200))
def test_any_text_is_a_mesh_or_an_error(tmp_path_factory, text: str) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("any")
    (folder / "neutral.obj").write_text(text)
    with pytest.raises(RigFileError):
        read_obj_folder(folder)  # a single file has no shapes, so none is a face
