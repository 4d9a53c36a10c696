from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from face_model import arkit
from face_model.errors import RigFileError
from face_model.rigs.load import load_face
from face_model.rigs.packed import read_npz
from imu_sim.families import load_family

MULTI_PIE = {"mouth_corner_right": 5708, "mouth_corner_left": 6213, "lip_upper": 5533, "lip_lower": 5517}
"""Corners, and the inner edges of the lips at the midline, 0-based in ICT-FaceKit's mesh (../shared/data/README.md)."""


def small(**changes: object) -> dict[str, object]:
    """A square of four vertices with one shape."""
    arrays: dict[str, object] = {
        "neutral": np.eye(4, 3, dtype=np.float32),
        "triangles": np.array([[0, 1, 2], [1, 2, 3]]),
        "names": np.array(["jaw_open"]),
        "deltas": np.ones((1, 4, 3), np.float16),
    }
    return {name: array for name, array in (arrays | changes).items() if array is not None}


def test_arrays_become_a_face(tmp_path: Path) -> None:
    np.savez(tmp_path / "face.npz", **small(identity=np.ones((2, 4, 3), np.float16)))
    raw = read_npz(tmp_path / "face.npz")
    assert list(raw.shapes) == ["jawOpen"]
    assert raw.shapes["jawOpen"].dtype == np.float32
    assert raw.identity.shape == (2, 4, 3)
    assert not raw.groups, "ranges are known for ICT-FaceKit's own mesh only"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"deltas": None}, "expected arrays neutral, triangles, names, deltas"),
        ({"names": np.array(["jawOpen", "cheekPuff"])}, "expected neutral"),
        ({"neutral": np.zeros((5, 3))}, "expected neutral"),
        ({"triangles": np.array([[0, 1, 4]])}, "found 0 to 4"),
        ({"triangles": np.array([[0, 1, -1]])}, "found -1 to 1"),
        ({"identity": np.zeros((1, 3, 3))}, "identity"),
        ({"neutral": np.full((4, 3), np.inf)}, "finite"),
        ({"deltas": np.full((1, 4, 3), np.nan)}, "jawOpen: expected finite"),
        ({"names": np.array(["wink"])}, "found wink"),
        ({"neutral": np.array([{}], dtype=object)}, "npz"),
    ],
)
def test_broken_arrays_are_refused(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    np.savez(tmp_path / "face.npz", **small(**changes))  # type: ignore[arg-type]
    with pytest.raises(RigFileError, match=expected):
        read_npz(tmp_path / "face.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and nothing more", b"text"])
def test_files_that_are_no_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "face.npz").write_bytes(content)
    with pytest.raises(RigFileError, match="npz"):
        load_face(tmp_path / "face.npz")


@pytest.mark.shared
def test_ict_facekit_is_understood(ict: Path) -> None:
    face = load_face(ict)
    rig = face.rig
    assert list(face.absent) == ["tongueOut"]
    raw = read_npz(ict)
    points = face.pose.points(raw.vertices)
    for name, vertex in MULTI_PIE.items():
        apart = np.linalg.norm(rig.neutral[rig.landmarks[name]] - points[vertex])
        assert apart < 0.005, f"{name} is {1000 * apart:.1f} mm from where the model's authors have it"
    for side, members in (("left", slice(21451, 23021)), ("right", slice(23021, 24591))):
        assert rig.neutral[rig.parts[f"eye_{side}"]].mean(axis=0) == pytest.approx(
            points[members].mean(axis=0), abs=1e-4
        )
    assert set(rig.parts) == {"skin", "eye_left", "eye_right", "gums_tongue", "mouth", "sockets", "teeth"}
    # The same displacements, wherever the vertex stands now.
    away, vertex = cKDTree(points).query(rig.neutral)
    assert away.max() < 1e-5
    jaw = face.pose.vectors(raw.shapes["jawOpen"])[vertex]
    same = np.abs(rig.deltas[arkit.INDEX["jawOpen"]] - jaw).max(axis=1) < 1e-4
    assert same.mean() > 0.98, "only where two vertices share a place may the nearest be another"


@pytest.mark.shared
def test_people_of_ict_facekit_differ_by_its_identity(ict: Path) -> None:
    family = load_family(ict)
    first, second = family.subject(1), family.subject(2)
    change = np.linalg.norm(first.neutral - second.neutral, axis=1)[first.parts["skin"]]
    assert 0.002 < np.median(change) < 0.03
    residual = first.neutral - family.typical().neutral
    components = load_face(ict).identity.reshape(60, -1)
    share, *_ = np.linalg.lstsq(components.T.astype(np.float64), residual.ravel().astype(np.float64), rcond=None)
    assert np.abs(components.T @ share - residual.ravel()).max() < 1e-4, "nothing but identity changes its form"
    assert np.abs(share).max() < 2.6
