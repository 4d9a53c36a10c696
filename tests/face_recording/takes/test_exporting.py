"""Exports from a recorded take to a file: formats, times, and what is refused before the work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_model import arkit
from face_model.errors import OutputError
from face_model.livelink import read_livelink
from face_recording.takes.curves import lanes_of
from face_recording.takes.errors import TakeError
from face_recording.takes.exporting import FORMATS, RECORDED, Export, check_export, export, format_of
from face_recording.takes.glb_file import read_glb_clip
from face_recording.takes.json_file import read_json
from face_recording.takes.moving_picture import need_ffmpeg
from face_recording.takes.npz_file import read_npz
from made_up_bags import tracked, write_bag


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bag(tmp_path / "take with spaces ä", {"": tracked(300, calibrating=20)})


def exported(folder: Path, out: Path, **asked: object) -> Path:
    wanted = Export(format_of(None, out), out, **asked)  # type: ignore[arg-type]
    check_export(wanted, overwrite=False)
    export(folder, wanted)
    return out


def test_recorded_faces_in_every_exact_format(folder: Path, tmp_path: Path) -> None:
    take = tracked(300, calibrating=20)
    for suffix, read in ((".npz", read_npz), (".json", read_json)):
        assert read(exported(folder, tmp_path / f"ä b{suffix}")).weights.tobytes() == take.weights.tobytes()
    clip = read_glb_clip(exported(folder, tmp_path / "a.glb", start_s=1.0, end_s=2.0))
    assert clip.weights.tobytes() == take.weights[100:200].tobytes()


def test_a_csv_has_60_frames_a_second_unless_asked(folder: Path, tmp_path: Path) -> None:
    assert read_livelink(exported(folder, tmp_path / "a.csv")).rate_hz == 60.0
    assert read_livelink(exported(folder, tmp_path / "b.csv", fps=30.0)).rate_hz == 30.0
    recorded = read_livelink(exported(folder, tmp_path / "c.csv", fps=RECORDED))
    assert recorded.rate_hz == 100.0
    assert np.allclose(recorded.weights, tracked(300, calibrating=20).weights, atol=1e-10)


def test_a_gif_moves(folder: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    path = exported(folder, tmp_path / "a.gif", fps=5.0, width=240, curves=("jawOpen", "mouthSmile"))
    with image.open(path) as picture:
        assert picture.width == 240
        assert picture.height % 2 == 0
        assert picture.n_frames == 15
        assert picture.info["duration"] == 200


def test_a_video_has_every_frame(folder: Path, tmp_path: Path) -> None:
    try:
        need_ffmpeg()
    except TakeError as error:
        pytest.skip(str(error))
    path = exported(folder, tmp_path / "a.mp4", fps=5.0, width=240)
    assert path.read_bytes()[4:8] == b"ftyp"


def test_notes_tell_of_calibration_and_gaps(tmp_path: Path) -> None:
    lossy = tracked(300).rows(np.r_[0:100, 200:300])
    folder = write_bag(tmp_path / "t", {"": lossy})
    out = tmp_path / "a.csv"
    notes = export(folder, Export("livelink-csv", out)).notes
    assert any("neutral is being learned" in note for note in notes)
    assert any("gaps" in note for note in notes)


def test_the_format_follows_from_name_or_suffix() -> None:
    assert format_of(None, Path("a.CSV")) == "livelink-csv"
    assert format_of("csv", None) == format_of("livelink-csv", Path("x.csv")) == "livelink-csv"
    assert format_of(".mp4", None) == format_of("webm", None) == "video"
    for to, out in ((None, None), (None, Path("a.bvh")), ("bvh", None), ("glb", Path("a.csv")), ("", None)):
        with pytest.raises(TakeError):
            format_of(to, out)
    assert len({s for kind in FORMATS.values() for s in kind.suffixes}) == 10


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    there = tmp_path / "a.npz"
    there.write_bytes(b"mine")
    with pytest.raises(TakeError, match="--force"):
        check_export(Export("npz", there), overwrite=False)
    check_export(Export("npz", there), overwrite=True)
    assert there.read_bytes() == b"mine"
    with pytest.raises(OutputError, match="make it first"):
        check_export(Export("npz", tmp_path / "none" / "a.npz"), overwrite=False)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OutputError):
        check_export(Export("npz", tmp_path / "folder.npz"), overwrite=True)
    with pytest.raises(TakeError, match="ends in"):
        check_export(Export("npz", tmp_path / "a.csv"), overwrite=False)
    with pytest.raises(TakeError, match="frames per second"):
        check_export(Export("npz", tmp_path / "b.npz", fps=float("nan")), overwrite=False)


@pytest.mark.parametrize(
    ("suffix", "asked"),
    [
        (".gif", {"fps": 17.0}),
        (".gif", {"fps": RECORDED}),
        (".gif", {"curves": ("jawWide",)}),
        (".gif", {"width": 1}),
        (".npz", {"start_s": 100.0}),
        (".npz", {"namespace": "bob"}),
    ],
)
def test_what_makes_no_sense_leaves_no_file(
    folder: Path, tmp_path: Path, suffix: str, asked: dict[str, object]
) -> None:
    with pytest.raises(TakeError):
        exported(folder, tmp_path / f"a{suffix}", **asked)
    assert not [path for path in tmp_path.iterdir() if path.suffix == suffix]


def test_the_curves_are_of_what_moves_and_can_be_seen() -> None:
    take = tracked(200)
    lanes = lanes_of(take)
    assert len(lanes) == 6
    seen = take.observable.any(axis=0)
    assert all(any(seen[shape] for shape, _ in lane.shapes) for lane in lanes)
    assert [len(lane.shapes) for lane in lanes_of(take, ("jawOpen", "mouthSmile", "mouthSmileLeft", "jawLeft"))] == [
        1,
        2,
        1,
        1,
    ]
    assert {lane.title for lane in lanes_of(take, arkit.BLENDSHAPES)} == set(arkit.BLENDSHAPES)
