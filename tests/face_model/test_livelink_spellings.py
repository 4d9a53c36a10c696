"""One motion (jawOpen a 1 Hz sine from 0 to 1) as many tools write it: read right, or refused with the reason."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model import arkit
from face_model.errors import LiveLinkError
from face_model.livelink import LiveLinkTake, person_of, read_livelink

NAMES = [name[0].upper() + name[1:] for name in arkit.BLENDSHAPES]
HEAD = ["HeadYaw", "HeadPitch", "HeadRoll"]
JAW = arkit.INDEX["jawOpen"]


def jaw_of(time_s: np.ndarray) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * time_s)


def code_of(
    time_s: float, counted: float, fraction: bool = True, start_s: float = 36000.0, separator: str = ":"
) -> str:
    whole = int(start_s + time_s + 1e-9)
    part = (start_s + time_s - whole) * counted
    part = float(round(part)) if abs(part - round(part)) < 1e-6 else part
    shown = f"{part:06.3f}" if fraction else f"{int(part):02d}"
    return f"{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{separator}{shown}"


def rows_of(codes: list[str], times: np.ndarray, value: Callable[[str, float], float] | None = None) -> list[str]:
    made = [",".join(["Timecode", "BlendShapeCount", *NAMES, *HEAD])]
    for code, t, jaw in zip(codes, times, jaw_of(times), strict=True):
        plain = dict.fromkeys(NAMES, 0.0) | {"JawOpen": float(jaw)}
        values = [value(n, t) if value else plain.get(n, 0.0) for n in (*NAMES, *HEAD)]
        made.append(",".join([code, "61", *(f"{v:.6f}" for v in values)]))
    return made


def take_of(
    fps: float, counted: float, seconds: float = 6.0, fraction: bool = True, start_s: float = 36000.0
) -> list[str]:
    times = np.arange(round(fps * seconds)) / fps
    return rows_of([code_of(t, counted, fraction, start_s) for t in times], times)


def written(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def expect_sine(take: LiveLinkTake, rate_hz: float, seconds: float = 6.0) -> None:
    assert take.rate_hz == pytest.approx(rate_hz, rel=1e-6)
    assert len(take.weights) / take.rate_hz == pytest.approx(seconds, abs=0.02)
    expected = jaw_of(np.arange(len(take.weights)) / take.rate_hz)
    seen = take.seen[:, JAW]
    assert np.corrcoef(take.weights[seen, JAW], expected[seen])[0, 1] > 0.99


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 50.0, 60.0])
@pytest.mark.parametrize("fraction", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_ff_counts_own_frames_or_sixtieths(tmp_path: Path, fps: float, fraction: bool, own: bool) -> None:
    if not own and not fraction and 60.0 % fps:
        pytest.skip("sixtieths without a fraction cannot say where such a frame is")
    expect_sine(read_livelink(written(tmp_path / "a_b.csv", take_of(fps, fps if own else 60.0, 6.0, fraction))), fps)


@settings(max_examples=60, deadline=None)
@given(
    fps=st.sampled_from([24.0, 25.0, 30.0, 50.0, 60.0]),
    own=st.booleans(),
    start_s=st.floats(0.0, 86399.0),
    seconds=st.floats(2.5, 5.0),
    missing=st.sets(st.integers(3, 55), max_size=6),
)
def test_the_rate_is_found_whenever_the_take_begins_and_whatever_rows_are_missing(
    tmp_path_factory: pytest.TempPathFactory, fps: float, own: bool, start_s: float, seconds: float, missing: set[int]
) -> None:
    if own:
        start_s = float(int(start_s))  # a frame counter has no fraction
    lines = take_of(fps, fps if own else 60.0, seconds, start_s=start_s)
    kept = [line for i, line in enumerate(lines) if i not in missing]
    take = read_livelink(written(tmp_path_factory.mktemp("take") / "a_b.csv", kept))
    expect_sine(take, fps, (len(lines) - 1) / fps)
    assert take.report.frames_missing == len(missing)


@pytest.mark.parametrize(("fps", "seconds"), [(60.0, 0.4), (30.0, 0.9)])
def test_a_take_that_does_not_tell_its_rate_needs_it(tmp_path: Path, fps: float, seconds: float) -> None:
    path = written(tmp_path / "a_b.csv", take_of(fps, fps, seconds))
    with pytest.raises(LiveLinkError, match="--fps"):
        read_livelink(path)
    expect_sine(read_livelink(path, fps=fps), fps, seconds)


def test_one_second_for_each_row_needs_the_rate(tmp_path: Path) -> None:
    times = np.arange(120) / 30.0
    path = written(tmp_path / "a_b.csv", rows_of([code_of(float(i), 30.0) for i in range(120)], times))
    with pytest.raises(LiveLinkError, match="one row for each second"):
        read_livelink(path)
    expect_sine(read_livelink(path, fps=30.0), 30.0, 4.0)


def test_a_rate_that_the_timecodes_contradict_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a_b.csv", take_of(30.0, 60.0))
    with pytest.raises(LiveLinkError, match="timecodes of 30"):
        read_livelink(path, fps=60.0)


def test_drop_frame_timecode_is_read_as_2997(tmp_path: Path) -> None:
    """Frame 1798 of a minute is followed by number 2 of the next."""
    frames = np.arange(1700, 2000)
    numbers = np.where(frames >= 1800, frames + 2, frames)
    codes = [f"10:0{n // 1800 + 1}:{n // 30 % 60:02d};{n % 30:02d}" for n in numbers]
    take = read_livelink(written(tmp_path / "a_b.csv", rows_of(codes, np.arange(300) * 1001 / 30000)))
    expect_sine(take, 30000 / 1001, 300 * 1001 / 30000)
    assert take.report.frames_missing == 0
    assert "drop-frame" in str(take.report)
    with pytest.raises(LiveLinkError, match="drop-frame"):
        read_livelink(written(tmp_path / "a_b.csv", [line.replace(":", ";", 3) for line in take_of(25.0, 25.0)]))


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_does_not_end_the_take(tmp_path: Path, hours: int) -> None:
    lines = take_of(60.0, 60.0)
    moved = [*lines[:120], *(line.replace("10:", f"{10 + hours:02d}:", 1) for line in lines[120:])]
    take = read_livelink(written(tmp_path / "a_b.csv", moved))
    expect_sine(take, 60.0)
    assert "clock was set" in str(take.report)
    assert take.report.unreadable_rows == 0


def test_a_clock_set_back_two_seconds_goes_on(tmp_path: Path) -> None:
    lines = take_of(60.0, 60.0)
    expect_sine(read_livelink(written(tmp_path / "a_b.csv", [*lines[:241], *lines[121:]])), 60.0, 8.0)


def test_a_single_row_out_of_order_is_left_out(tmp_path: Path) -> None:
    lines = take_of(60.0, 60.0)
    lines[100] = lines[100].replace("10:00:01", "08:13:44")
    take = read_livelink(written(tmp_path / "a_b.csv", lines))
    expect_sine(take, 60.0)
    assert (take.report.unreadable_rows, take.report.frames_missing) == (1, 1)
    assert not take.seen[99].any()


def test_only_rows_with_a_face_count_as_seen(tmp_path: Path) -> None:
    """A lost face is a short row, a row of zeros, or the last face again."""
    lines = take_of(60.0, 60.0)
    cut = [line.split(",")[0] for line in lines]
    lines[31:41] = [f"{code},0" for code in cut[31:41]]
    lines[61:181] = [f"{code},0{',0.0' * 55}" for code in cut[61:181]]
    frozen = lines[240].split(",", 1)[1]
    lines[241:301] = [f"{code},{frozen}" for code in cut[241:301]]
    lines[310:314] = [f"{code},{lines[309].split(',', 1)[1]}" for code in cut[310:314]]  # a few may be alike
    take = read_livelink(written(tmp_path / "a_b.csv", lines))
    expected = np.ones(360, dtype=bool)
    expected[[*range(30, 40), *range(60, 180), *range(240, 300)]] = False
    np.testing.assert_array_equal(take.seen, np.tile(expected[:, None], (1, arkit.COUNT)))
    assert (take.report.lost_interpolated, take.report.lost_held, take.report.frozen) == (10, 120, 60)
    expect_sine(take, 60.0)
    with pytest.raises(LiveLinkError, match="one of them with a face"):
        read_livelink(written(tmp_path / "a_b.csv", [*lines[:2], *(f"{code},0" for code in cut[2:])]))


def test_percent_and_degrees_are_converted_and_said(tmp_path: Path) -> None:
    def percent(name: str, time_s: float) -> float:
        return 100.0 * float(jaw_of(np.array(time_s))) if name == "JawOpen" else 3.0 * (name in NAMES)

    def degrees(name: str, time_s: float) -> float:
        return 20.0 * np.sin(time_s) if name == "HeadYaw" else percent(name, time_s) / 100.0

    times = np.arange(360) / 60.0
    codes = [code_of(t, 60.0) for t in times]
    take = read_livelink(written(tmp_path / "a_b.csv", rows_of(codes, times, percent)))
    expect_sine(take, 60.0)
    assert take.weights.max() == pytest.approx(1.0, abs=0.01)
    assert "divided by 100" in str(take.report)
    take = read_livelink(written(tmp_path / "a_b.csv", rows_of(codes, times, degrees)))
    np.testing.assert_allclose(take.head_angles[:, 0], np.radians(20.0 * np.sin(times)), atol=1e-6)
    assert "degrees" in str(take.report)
    with pytest.raises(LiveLinkError, match="weights of 0 to 1"):
        read_livelink(written(tmp_path / "a_b.csv", rows_of(codes, times, lambda n, t: 255.0 * percent(n, t) / 100.0)))


def test_a_column_more_or_less(tmp_path: Path) -> None:
    lines = take_of(60.0, 60.0)
    tongue = lines[0].split(",").index("TongueOut")
    less = [",".join(cell for i, cell in enumerate(line.split(",")) if i != tongue) for line in lines]
    take = read_livelink(written(tmp_path / "a_b.csv", less))
    expect_sine(take, 60.0)
    unseen = [name for name, seen in zip(arkit.BLENDSHAPES, take.seen.any(axis=0), strict=True) if not seen]
    assert unseen == ["tongueOut"]
    assert "tongueOut" in str(take.report)
    doubled = [lines[0] + ",JawOpen", *(line + ",0.0" for line in lines[1:])]
    with pytest.raises(LiveLinkError, match="jawopen twice"):
        read_livelink(written(tmp_path / "a_b.csv", doubled))
    framed = ["Frame," + lines[0], *(f"{i}," + line for i, line in enumerate(lines[1:]))]
    expect_sine(read_livelink(written(tmp_path / "a_b.csv", framed)), 60.0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheet_programs_save(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [line.replace(",", delimiter) for line in take_of(60.0, 60.0)]
    if delimiter == ";":
        lines = [line.replace(".", ",") for line in lines]
    expect_sine(read_livelink(written(tmp_path / "a_b.csv", lines, encoding)), 60.0)


def test_one_pose_is_no_take(tmp_path: Path) -> None:
    with pytest.raises(LiveLinkError, match="`_neutral` file"):
        read_livelink(written(tmp_path / "MySlate_1_iPhone_neutral.csv", take_of(60.0, 60.0)[:2]), fps=60.0)


def test_two_slates_of_one_phone_are_one_person() -> None:
    def people(*names: str) -> set[str]:
        return {person_of(Path(f"{name}.csv")) for name in names}

    assert len(people("MySlate_1_iPhone", "MySlate_2_iPhone", "MySlate_2_iPhone_cal")) == 1
    assert len(people("20250102_MySlate_1", "20250103_MySlate_7", "20250103_MySlate_7_neutral")) == 1
    assert people("alice_1", "alice_2") == {"alice"}
    assert people("person_a_rom_1", "person_a_rom_2", "person_b_wide") == {"person_a", "person_b"}
    assert people("7") == {"7"}


REFUSED = {
    "own_60fps_short_0.4s": "--fps",
    "own_30fps_ff_of_rate_0.9s": "--fps",
    "own_two_rows": "--fps",
    "own_neutral_one_row": "two",
    "own_header_only": "after the header",
    "own_duplicate_header_column": "twice",
    "own_lost_all_but_one": "with a face",
    "own_float_seconds_timecode": "HH:MM:SS:FF",
}
"""What the shared cases are refused for; every other one is the sine."""

RATES = {"24fps": 24.0, "30fps": 30.0, "2997": 30000 / 1001, "variable": 30.0}
SECONDS = {"own_clock_back_2s_ntp": 8.0, "own_2997_dropframe_semicolon": 180 * 1001 / 30000}


@pytest.mark.shared
def test_every_shared_case(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = shared / "cases" / "make_csv.py"
    if not script.is_file():
        pytest.skip(f"no {script.name} in the shared cases")
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    files = sorted(tmp_path.glob("*.csv"))
    assert len(files) > 30
    for file in files:
        if file.stem in REFUSED:
            with pytest.raises(LiveLinkError, match=REFUSED[file.stem]):
                read_livelink(file)
            continue
        rate_hz = next((rate for word, rate in RATES.items() if word in file.stem), 60.0)
        expect_sine(read_livelink(file), rate_hz, SECONDS.get(file.stem, 6.0))
