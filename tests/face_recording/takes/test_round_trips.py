"""What is exported and read back is what was recorded: bit for bit, and for CSV to the digits that are written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_model import arkit, rotation
from face_model.livelink import read_livelink
from face_model.livelink_table import read_table
from face_recording.takes.errors import TakeError
from face_recording.takes.json_file import read_json, write_json
from face_recording.takes.livelink_csv import DECIMALS, head_angles, timecodes, write_livelink
from face_recording.takes.npz_file import read_npz, write_npz
from face_recording.takes.parquet_file import read_parquet, write_parquet
from face_recording.takes.take import ARRAYS, NS, TEXTS, Take, resampled
from made_up_takes import made_up, takes

one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


@given(take=takes())
@one_folder
def test_npz(tmp_path: Path, take: Take) -> None:
    write_npz(take, tmp_path / "take.npz")
    assert read_npz(tmp_path / "take.npz").same_as(take)


@given(take=takes())
@one_folder
def test_parquet(tmp_path: Path, take: Take) -> None:
    pytest.importorskip("pyarrow", reason="pip install pyarrow")
    write_parquet(take, tmp_path / "take.parquet")
    assert read_parquet(tmp_path / "take.parquet").same_as(take)


@given(take=takes())
@one_folder
def test_json(tmp_path: Path, take: Take) -> None:
    write_json(take, tmp_path / "take.json")
    found = read_json(tmp_path / "take.json")
    for key in TEXTS:
        assert getattr(found, key) == getattr(take, key)
    for key in ARRAYS:
        assert np.array_equal(getattr(found, key), getattr(take, key), equal_nan=key not in ("observable", "held")), key
        finite = getattr(take, key).astype(np.float64) == 0.0
        assert np.array_equal(np.signbit(getattr(found, key)[finite]), np.signbit(getattr(take, key)[finite]))


def test_json_is_json_that_says_what_it_holds(tmp_path: Path) -> None:
    write_json(made_up(5, wearer="Jürgen"), tmp_path / "take.json")
    found = json.loads((tmp_path / "take.json").read_text(encoding="utf-8"))
    assert found["format"] == "imusic take 1"
    assert found["wearer"] == "Jürgen"
    assert len(found["weights"]) == len(found["times_s"]) == found["count"] == 5
    assert found["blendshapes"] == list(arkit.BLENDSHAPES)


@given(take=takes(least=2, plausible=True))
@one_folder
def test_every_cell_of_a_csv(tmp_path: Path, take: Take) -> None:
    write_livelink(take, tmp_path / "take.csv")
    table = read_table(tmp_path / "take.csv")
    assert np.array_equal(table.values[:, : arkit.COUNT], np.round(take.weights.astype(np.float64), DECIMALS))
    assert np.array_equal(table.values[:, arkit.COUNT :], np.round(head_angles(take.head_orientation), DECIMALS))


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 50.0, 60.0, 100.0, 120.0])
def test_a_csv_through_our_reader(tmp_path: Path, fps: float) -> None:
    take = resampled(made_up(500, 200.0), fps)
    write_livelink(take, tmp_path / "take.csv")
    read = read_livelink(tmp_path / "take.csv")
    assert read.rate_hz == fps
    assert np.array_equal(read.weights, np.round(take.weights.astype(np.float64), DECIMALS))
    assert np.allclose(read.head_angles, head_angles(take.head_orientation), atol=1e-9)
    assert read.seen.all()
    assert read.report.frames_missing == read.report.unreadable_rows == 0


def test_a_csv_of_recorded_times_keeps_them(tmp_path: Path) -> None:
    take = made_up(400, 100.0)
    write_livelink(take, tmp_path / "take.csv")
    read = read_livelink(tmp_path / "take.csv")
    assert read.rate_hz == 100.0
    assert np.array_equal(read.weights, np.round(take.weights.astype(np.float64), DECIMALS))


def test_a_csv_has_the_header_of_the_app(tmp_path: Path) -> None:
    """As the app's own files in the shared data have it, where these are there."""
    write_livelink(made_up(10), tmp_path / "take.csv")
    header = (tmp_path / "take.csv").read_text().splitlines()[0].split(",")
    assert len(header) == 63
    assert header[:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert header[16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert header[-4:] == ["LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll"]


def test_a_gap_is_a_lost_face_and_not_made_up(tmp_path: Path) -> None:
    take = made_up(400, 100.0)
    with_gap = take.rows(np.r_[0:100, 200:400])
    write_livelink(resampled(with_gap, 60.0), tmp_path / "take.csv")
    read = read_livelink(tmp_path / "take.csv")
    unseen = np.flatnonzero(~read.seen.all(axis=1)) / 60.0
    assert unseen.min() > 0.98
    assert unseen.max() < 2.01
    assert len(unseen) >= 58


def test_timecodes_carry_and_wrap() -> None:
    from datetime import timedelta, timezone

    day = np.array([86399 * NS + 999_999_000, 0, 3600 * NS + 500_000_000], dtype=np.int64)
    assert timecodes(day, timezone.utc) == ["00:00:00:00.000", "00:00:00:00.000", "01:00:00:30.000"]
    assert timecodes(day[2:], timezone(timedelta(hours=-2))) == ["23:00:00:30.000"]


@given(st.floats(-3.0, 3.0), st.floats(-1.5, 1.5), st.floats(-3.0, 3.0))
def test_head_angles_are_those_of_the_head(yaw: float, pitch: float, roll: float) -> None:
    def about(axis: int, angle: float) -> np.ndarray:
        return rotation.from_vector(np.eye(3)[axis] * angle)

    turned = rotation.multiply(rotation.multiply(about(2, yaw), about(1, pitch)), about(0, roll))
    assert np.allclose(head_angles(turned[None]), [[yaw, pitch, roll]], atol=1e-6)


@given(take=takes(least=2, plausible=True), fps=st.floats(5.0, 200.0))
@settings(max_examples=40)
def test_resampling_makes_up_nothing(take: Take, fps: float) -> None:
    found = resampled(take, fps)
    assert np.all(np.diff(found.stamps_ns) > 0)
    assert found.stamps_ns[0] == take.stamps_ns[0]
    assert found.stamps_ns[-1] <= take.stamps_ns[-1]
    assert np.array_equal(found.weights[0], take.weights[0])
    assert found.weights.min() >= take.weights.min() - 1e-6
    assert found.weights.max() <= take.weights.max() + 1e-6
    assert np.allclose(np.linalg.norm(found.head_orientation, axis=1), 1.0)


@pytest.mark.parametrize("read", [read_npz, read_json, read_parquet])
def test_what_is_no_take_is_refused(tmp_path: Path, read: object) -> None:
    if read is read_parquet:
        pytest.importorskip("pyarrow", reason="pip install pyarrow")
    for content in (b"", b"{}", b"PK\x03\x04 no", b"[1, 2", b"PAR1PAR1", b'{"format": "imusic take 1"}'):
        path = tmp_path / "odd"
        path.write_bytes(content)
        with pytest.raises(TakeError):
            read(path)  # type: ignore[operator]
    with pytest.raises(TakeError):
        read(tmp_path / "none")  # type: ignore[operator]


@pytest.mark.parametrize("span", [(-1.0, None), (2.0, 1.0), (0.0, 0.0), (float("nan"), None), (0.0, float("nan"))])
def test_odd_times_are_refused(span: tuple[float, float | None]) -> None:
    with pytest.raises(TakeError):
        made_up().cut(*span)


def test_a_cut_holds_what_lies_in_it() -> None:
    take = made_up(300, 100.0)
    assert np.array_equal(take.cut(1.0, 2.0).weights, take.weights[100:200])
    with pytest.raises(TakeError, match="within it"):
        take.cut(10.0)


@pytest.mark.shared
def test_the_apps_own_header() -> None:
    from face_model.share import share_dir
    from face_recording.takes.livelink_csv import COLUMNS

    folder = share_dir().resolve().parent / "shared" / "data" / "motion_arkit"
    files = sorted(folder.glob("*.csv"))
    if not files:
        pytest.skip("no recorded data")
    assert any(file.open().readline().strip().split(",")[2:] == list(COLUMNS) for file in files)
