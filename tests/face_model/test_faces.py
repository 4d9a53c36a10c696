from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_model.errors import FaceModelError
from face_model.faces import load_rig
from face_model.rigs.export import write_glb
from imu_sim.head import build_head


def test_the_head_that_ships_is_the_one_the_generator_makes() -> None:
    """After a change of the generator: `python -m imu_sim.head` writes the file anew."""
    shipped, made = load_rig(), build_head()
    # Another machine's linear algebra may round otherwise: a ten-thousandth of a millimetre.
    np.testing.assert_allclose(shipped.neutral, made.neutral, rtol=0.0, atol=1e-7)
    np.testing.assert_allclose(shipped.displacements, made.displacements, rtol=0.0, atol=1e-7)
    for name in ("triangles", "colors", "lip_vertices"):
        np.testing.assert_array_equal(getattr(shipped, name), getattr(made, name))
    assert (shipped.name, shipped.pairs) == (made.name, made.pairs)
    assert dict(shipped.parts) == dict(made.parts)
    assert dict(shipped.landmarks) == dict(made.landmarks)


def test_the_head_is_read_once() -> None:
    assert load_rig("head") is load_rig()


def test_a_file_is_a_face(tmp_path: Path) -> None:
    path = tmp_path / "somebody.glb"
    write_glb(load_rig(), path)
    assert load_rig(path).name == "somebody"


@pytest.mark.parametrize("name", ["nobody", "nobody.glb", "face.fbx", ""])
def test_what_is_no_face_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.fbx").write_text("Kaydara")
    with pytest.raises(FaceModelError, match="expected"):
        load_rig(name)


def test_the_home_of_nobody_is_no_face() -> None:
    with pytest.raises(FaceModelError, match="nobody_has_this_name"):
        load_rig("~nobody_has_this_name/face.glb")
