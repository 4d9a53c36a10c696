from pathlib import Path

import numpy as np
import pytest

from face_model.errors import RigFileError, RigGeometryError
from face_model.frames import to_graphics
from face_model.rigs.load import load_face
from face_model.rigs.report import inspect_face
from face_model.rigs.sidecar import Sidecar, read_sidecar, sidecar_path

from .conftest import SOME, ObjFolder


def test_where_it_is(tmp_path: Path) -> None:
    assert sidecar_path(tmp_path / "alice.v2.glb") == tmp_path / "alice.v2.face.yaml"
    assert sidecar_path(tmp_path) == tmp_path / "face.yaml"
    assert read_sidecar(tmp_path / "alice.glb") == Sidecar()


def test_it_says_what_cannot_be_told(obj_folder: ObjFolder) -> None:
    """Neither blinks nor jaw nor axes: everything stands in the sidecar."""
    rig = obj_folder.rig
    folder = obj_folder.write(["cheekPuff", "mouthSmileLeft"], {"mouthSmileLeft": "grin"})
    places = {name: rig.neutral[vertex][[1, 2, 0]].tolist() for name, vertex in rig.landmarks.items()}
    lines = [f"  {name}: {place}" for name, place in places.items() if name != "chin"]
    lines += [f"  chin: {rig.landmarks['chin']}"]
    (folder / "face.yaml").write_text(
        "name: Alice\nunit: m\naxes: {forward: z, up: y}\nnames: {grin: mouthSmileLeft}\nlips: [7, 8, 9]\nlandmarks:\n"
        + "\n".join(lines)
    )
    face = load_face(folder)
    assert face.rig.name == "Alice"
    found = face.rig.neutral[[face.rig.landmarks[name] for name in rig.landmarks]]
    wanted = rig.neutral[list(rig.landmarks.values())]
    np.testing.assert_allclose(found - found[0], wanted - wanted[0], atol=2e-6)
    assert len(face.rig.lip_vertices) == 3
    assert len(face.absent) == 50


def test_it_corrects_one_landmark(obj_folder: ObjFolder) -> None:
    folder = obj_folder.write(SOME)
    before = load_face(folder)
    (folder / "face.yaml").write_text(f"landmarks: {{nose_tip: {obj_folder.rig.landmarks['chin']}}}")
    after = load_face(folder)
    changed = {name for name in after.rig.landmarks if after.rig.landmarks[name] != before.rig.landmarks[name]}
    assert changed == {"nose_tip"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unit: parsec", "parsec"),
        ("unit: -1", "expected a unit"),
        ("unit: .nan", "unit: expected a finite number"),
        ("colour: red", "the keys here are name, unit, axes"),
        ("- 1", "expected a mapping"),
        ("axes: {forward: z, up: -z}", "different axes"),
        ("axes: {forward: w, up: y}", "forward: expected 'x', 'y'"),
        ("axes: {forward: z}", "up"),
        ("names: {grin: smile}", "found smile"),
        ("landmarks: {nose: 3}", "found nose"),
        ("landmarks: {chin: [1, 2]}", "chin: expected a whole number or a longer list"),
        ("landmarks: {chin: 999999999}", "expected vertices 0 to"),
        ("lips: [-1]", "expected vertices 0 to"),
        ("lips: lots", "lips: expected a list"),
        ("parts: {skin: [Nobody]}", "found Nobody"),
        ("a: [", "parsing"),
    ],
)
def test_a_wrong_one_is_refused(obj_folder: ObjFolder, text: str, expected: str) -> None:
    folder = obj_folder.write(SOME)
    (folder / "face.yaml").write_text(text)
    with pytest.raises(RigFileError, match=expected):
        load_face(folder)


@pytest.mark.parametrize("left_out", [("jawOpen",), ("jawOpen", "mouthFrownLeft", "mouthFrownRight")])
def test_following_the_advice_is_enough(obj_folder: ObjFolder, left_out: tuple[str, ...]) -> None:
    """The message names all that is missing at once: what it asks for, written down, makes the face usable."""
    rig = obj_folder.rig
    folder = obj_folder.write([name for name in SOME if name not in left_out])
    with pytest.raises(RigGeometryError, match="under `landmarks` into a sidecar file") as error:
        load_face(folder)
    asked = [name for name in rig.landmarks if name in str(error.value).partition("write ")[2]]
    assert set(asked) == {"mouth_corner_left", "mouth_corner_right", "lip_upper", "lip_lower", "nose_tip", "chin"}
    places = {name: to_graphics(rig.neutral[rig.landmarks[name]]).tolist() for name in asked}
    lines = [f"  {name}: {[round(value, 6) for value in place]}" for name, place in places.items()]
    (folder / "face.yaml").write_text("landmarks:\n" + "\n".join(lines))
    face = load_face(folder)
    assert inspect_face(face).usable
    for name in asked:
        there = face.rig.neutral[face.rig.landmarks[name]]
        assert np.linalg.norm(there - rig.neutral[rig.landmarks[name]]) < 0.006  # the axes are guessed
    lips = face.rig.neutral[face.rig.lip_vertices]
    corners = face.rig.neutral[[face.rig.landmarks[f"mouth_corner_{side}"] for side in ("left", "right")]]
    assert len(lips) > 20
    assert lips[:, 1].max() < corners[0, 1] + 0.005
    assert lips[:, 1].min() > corners[1, 1] - 0.005
