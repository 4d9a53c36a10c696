"""Small files that say they are huge are refused in words; each is read in a process whose memory is limited."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from face_model.npz import read_arrays

MOST_BYTES = 1_500_000_000
"""Address space of the reading process: its libraries map half of that."""

READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({most}, {most}))
from pathlib import Path
from face_model.errors import RigFileError
from {module} import {function}
try:
    {function}(Path(sys.argv[1]))
except RigFileError as error:
    print("refused:", error)
"""


def refused(
    path: Path, module: str = "face_model.rigs.load", function: str = "load_face", most_bytes: int = MOST_BYTES
) -> str:
    """What the reader said of a file; it must not have run out of memory."""
    code = READ.format(most=most_bytes, module=module, function=function)
    environment = {"PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert "refused:" in found.stdout
    assert "MemoryError" not in found.stdout
    return found.stdout


def glb(path: Path, **changes: object) -> Path:
    """One triangle with a morph target, whose accessors are changed."""
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]], "<f4")
    blob = points.tobytes()
    content: dict[str, object] = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "buffers": [{"byteLength": len(blob)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(blob)}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"componentType": 5126, "count": 4, "type": "VEC3"},
        ],
        "meshes": [
            {
                "primitives": [{"attributes": {"POSITION": 0}, "targets": [{"POSITION": 1}]}],
                "extras": {"targetNames": ["jawOpen"]},
            }
        ],
    } | changes
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
    path.write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks)
    return path


def test_an_accessor_without_a_buffer_is_bounded(tmp_path: Path) -> None:
    huge = {"componentType": 5126, "count": 100_000_000, "type": "VEC3"}
    plain = {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"}
    for accessors in ([plain, huge], [huge, huge]):
        assert "at most" in refused(glb(tmp_path / "face.glb", accessors=accessors))


def test_one_accessor_under_many_names_is_bounded(tmp_path: Path) -> None:
    accessors = [{"componentType": 5126, "count": 1_000_000, "type": "VEC3"}] * 2
    mesh = {
        "primitives": [{"attributes": {"POSITION": 0}, "targets": [{"POSITION": 1}] * 1000}],
        "extras": {"targetNames": [f"jawOpen_{i}" for i in range(1000)]},
    }
    path = glb(tmp_path / "face.glb", accessors=accessors, meshes=[mesh])
    assert "moved vertices" in refused(path, most_bytes=3_000_000_000)


def bomb(path: Path, name: str, shape: tuple[int, ...]) -> Path:
    """An archive of some hundred kilobytes with an array of zeros that takes gigabytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w") as file:
        file.write(header.getvalue())
        for _ in range(4 * int(np.prod(shape)) >> 24):
            file.write(bytes(1 << 24))
    assert path.stat().st_size < 4_000_000
    return path


def test_an_archive_that_unpacks_to_gigabytes_is_refused_before(tmp_path: Path) -> None:
    path = bomb(tmp_path / "face.npz", "neutral", (1 << 27, 3))
    assert "MiB together" in refused(path)
    assert "MiB together" in refused(path, "face_model.stored_rig", "load_stored_rig")


def test_a_header_that_says_more_than_its_file_holds_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(tmp_path / "face.npz", "w") as archive:
        archive.writestr("neutral.npy", header.getvalue())
    assert "MiB together" in refused(tmp_path / "face.npz")


def test_objects_in_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "face.npz", neutral=np.array([{}], dtype=object))
    assert "Python objects" in refused(tmp_path / "face.npz")


def test_an_obj_file_with_an_index_beyond_everything_is_refused(tmp_path: Path) -> None:
    (tmp_path / "neutral.obj").write_text("v 0 0 0\n" * 4 + f"f 1 2 {10**22}\n")
    assert "vertex indices" in refused(tmp_path)


def test_good_arrays_come_as_they_are(tmp_path: Path) -> None:
    arrays = {"a": np.arange(12).reshape(3, 4), "b": np.array("text"), "c": np.zeros((0, 3), np.float16)}
    np.savez_compressed(tmp_path / "good.npz", **arrays)
    found = read_arrays(tmp_path / "good.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    with pytest.raises(ValueError, match="MiB together"):
        read_arrays(tmp_path / "good.npz", most_bytes=100)
