from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pytest

from face_model.errors import OutputError
from face_model.faces import load_rig
from face_model.rig import FaceRig
from face_viz.neutral_mesh import HEAD_FILE, MOST_MATERIALS, collada, mesh_uri

ROOT = Path(__file__).resolve().parents[2]
NS = {"c": "http://www.collada.org/2005/11/COLLADASchema"}


def test_the_shipped_mesh_is_the_packages_head() -> None:
    """After a change of the head: python -m face_viz.neutral_mesh."""
    assert (ROOT / HEAD_FILE).read_text() == collada(load_rig())
    assert mesh_uri(load_rig(), "head") == "package://imusic/meshes/head.dae"


def test_the_file_holds_points_unit_normals_and_every_triangle_once(small_rig: FaceRig) -> None:
    root = ET.fromstring(collada(small_rig))
    arrays = {
        a.get("id"): np.array(a.text.split(), float).reshape(-1, 3) for a in root.iterfind(".//c:float_array", NS)
    }
    assert arrays["positions-array"] == pytest.approx(small_rig.neutral, abs=1e-5)
    assert np.linalg.norm(arrays["normals-array"], axis=1) == pytest.approx(1.0, abs=0.02)
    assert (arrays["normals-array"][:, 0] > 0.0).all()  # out of the face
    triangles = [
        tuple(t) for p in root.iterfind(".//c:p", NS) for t in np.array((p.text or "").split(), int).reshape(-1, 3)
    ]
    assert sorted(triangles) == sorted(map(tuple, small_rig.triangles))
    materials = {m.get("id") for m in root.iterfind(".//c:material", NS)}
    used = {m.get("target", "")[1:] for m in root.iterfind(".//c:instance_material", NS)}
    assert used == materials
    assert 1 < len(materials) <= MOST_MATERIALS
    assert root.findtext(".//c:up_axis", namespaces=NS) == "Z_UP"


def test_the_mesh_of_a_rig_is_kept_in_the_cache(
    small_rig: FaceRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "my cache"))
    uri = urlparse(mesh_uri(small_rig, "my.glb"))
    assert uri.scheme == "file"
    assert Path(unquote(uri.path)).read_text() == collada(small_rig)
    monkeypatch.setenv("XDG_CACHE_HOME", unquote(uri.path))  # a file, in which no folder can be made
    with pytest.raises(OutputError, match="expected the folder"):
        mesh_uri(small_rig, "my.glb")
