from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from face_model.errors import FaceModelError
from face_model.rigs.export import write_glb
from imu_sim.families import load_family
from imu_sim.head import HeadFamily, build_head
from imu_sim.warped_family import WarpedFamily


@pytest.fixture(scope="module")
def glb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "somebody.glb"
    write_glb(build_head(), path)
    return path


def test_the_head_is_the_default() -> None:
    family = load_family()
    assert isinstance(family, HeadFamily)
    assert family.name == "head"


def test_a_file_is_a_family_of_people_around_it(glb: Path) -> None:
    family = load_family(glb)
    assert isinstance(family, WarpedFamily)
    assert family.name == "somebody"
    typical, person = family.typical(), family.subject(5)
    assert person.landmarks == typical.landmarks
    assert not np.allclose(person.deltas, typical.deltas)
    np.testing.assert_array_equal(person.neutral, load_family(str(glb)).subject(5).neutral)


def test_a_file_is_read_once_until_it_changes(glb: Path) -> None:
    first = load_family(glb).typical()
    assert load_family(glb).typical() is first
    times = glb.stat()
    os.utime(glb, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
    assert load_family(glb).typical() is not first


@pytest.mark.parametrize("name", ["nobody", "nobody.glb", "face.fbx", ""])
def test_what_is_no_face_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.fbx").write_text("Kaydara")
    with pytest.raises(FaceModelError, match="expected"):
        load_family(name)
