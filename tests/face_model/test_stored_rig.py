from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_model.errors import RigFileError
from face_model.faces import HEAD_FILE, load_rig
from face_model.stored_rig import load_stored_rig, save_rig


def test_a_rig_comes_back_bit_for_bit(tmp_path: Path) -> None:
    rig = load_rig()
    save_rig(rig, tmp_path / "rig.npz")
    again = load_stored_rig(tmp_path / "rig.npz")
    for name in ("neutral", "triangles", "deltas", "colors", "lip_vertices"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rig, name))
    np.testing.assert_array_equal(again.displacements, rig.displacements)
    assert (again.name, again.pairs, dict(again.parts)) == (rig.name, rig.pairs, dict(rig.parts))
    assert not again.neutral.flags.writeable


@pytest.mark.parametrize("content", [b"", b"PK nonsense", HEAD_FILE.read_bytes()[:100_000]])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rig.npz"
    path.write_bytes(content)
    with pytest.raises(RigFileError, match=r"rig\.npz"):
        load_stored_rig(path)


def test_an_npz_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    with pytest.raises(RigFileError, match="label"):
        load_stored_rig(tmp_path / "other.npz")
