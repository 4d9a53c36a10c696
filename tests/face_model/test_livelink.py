from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model import arkit
from face_model.errors import LiveLinkError
from face_model.livelink import LiveLinkReport, LiveLinkTake, read_livelink

HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
NAMES = [name[0].upper() + name[1:] for name in arkit.BLENDSHAPES]
# As real files have it: right before left for jaw and mouth.
ORDER = [*NAMES, *HEAD]
ORDER[ORDER.index("JawLeft")], ORDER[ORDER.index("JawRight")] = "JawRight", "JawLeft"


def timecode(seconds: float) -> str:
    seconds %= 86400.0
    whole = int(seconds)
    ticks = min((seconds - whole) * 60.0, 59.999)  # rounded up it would be 60
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{ticks:06.3f}"


def read(path: Path, fps: float | None = None) -> tuple[LiveLinkTake, LiveLinkReport]:
    """Takes of less than a second do not tell their rate."""
    take = read_livelink(path, fps=fps)
    return take, take.report


def write(
    path: Path,
    frames: list[Mapping[str, float] | None],
    *,
    fps: float = 60.0,
    start_s: float = 100.0,
    count: str = "BlendShapeCount",
    columns: list[str] | None = None,
    times: list[float] | None = None,
) -> Path:
    columns = columns or ORDER
    lines = [",".join(["Timecode", count, *columns])]
    for index, frame in enumerate(frames):
        stamp = timecode(times[index] if times else start_s + index / fps)
        if frame is None:
            lines.append(f"{stamp},0")
        else:
            lines.append(",".join([stamp, "61", *(f"{frame.get(name, 0.0):.10f}" for name in columns)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_columns_are_found_by_name_whatever_their_order(tmp_path: Path) -> None:
    frames = [{"JawLeft": 0.25, "JawRight": 0.5, "MouthLeft": 0.125, "TongueOut": 1.0}] * 10
    for columns in (ORDER, ORDER[::-1]):
        motion, _ = read(write(tmp_path / "person_x_take.csv", frames, columns=columns), 60.0)
        for name, value in (("jawLeft", 0.25), ("jawRight", 0.5), ("mouthLeft", 0.125), ("tongueOut", 1.0)):
            np.testing.assert_allclose(motion.weights[:, arkit.INDEX[name]], value)
        assert np.count_nonzero(motion.weights[0]) == 4
        assert motion.person == "person_x"


@pytest.mark.parametrize("spelling", ["BlendShapeCount", "BlendshapeCount"])
@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_both_spellings_and_sixtieths_at_either_rate(tmp_path: Path, spelling: str, fps: float) -> None:
    motion, report = read(write(tmp_path / "a_b.csv", [{"JawOpen": 0.1}] * 61, fps=fps, count=spelling))
    assert report.rate_hz == fps
    assert (len(motion.weights) - 1) / motion.rate_hz == pytest.approx(60.0 / fps)
    assert report.frames_missing == 0


def test_short_loss_is_interpolated_and_long_loss_is_held(tmp_path: Path) -> None:
    frames: list[Mapping[str, float] | None] = [{"JawOpen": k / 200.0} for k in range(121)]
    frames[10:13] = [None] * 3
    frames[50:100] = [None] * 50
    motion, report = read(write(tmp_path / "a_b.csv", frames))
    jaw = motion.weights[:, arkit.INDEX["jawOpen"]]
    np.testing.assert_allclose(jaw[:14], np.arange(14) / 200.0, atol=1e-9)
    assert jaw[80] == pytest.approx(49 / 200.0)
    assert np.abs(np.diff(jaw)).max() < 0.03  # carried to the next seen face without a jump
    assert (report.lost_interpolated, report.lost_held) == (3, 50)
    assert "face lost in 53" in str(report)


def test_loss_at_both_ends_is_held(tmp_path: Path) -> None:
    frames = [None, None, {"JawOpen": 0.3}, {"JawOpen": 0.4}, None]
    motion, report = read(write(tmp_path / "a_b.csv", frames), 60.0)
    np.testing.assert_allclose(motion.weights[:, arkit.INDEX["jawOpen"]], [0.3, 0.3, 0.3, 0.4, 0.4])
    assert report.lost_held == 3


def test_midnight_is_not_the_end(tmp_path: Path) -> None:
    motion, report = read(write(tmp_path / "a_b.csv", [{}] * 120, start_s=86399.0))
    assert len(motion.weights) == 120
    assert report.wrapped_midnight
    assert report.unreadable_rows == 0


def test_missing_video_frames_are_filled(tmp_path: Path) -> None:
    times = [100.0 + k / 60.0 for k in range(60) if k not in (20, 21)]
    frames = [{"JawOpen": t - 100.0} for t in times]
    motion, report = read(write(tmp_path / "a_b.csv", frames, times=times), 60.0)
    assert report.frames_missing == 2
    np.testing.assert_allclose(motion.weights[:, arkit.INDEX["jawOpen"]], np.arange(60) / 60.0, atol=1e-4)


def test_weights_slightly_beyond_one_stay_and_nonsense_is_clipped(tmp_path: Path) -> None:
    frames = [{"JawOpen": 1.08}] * 5 + [{"JawOpen": 40.0, "CheekPuff": -0.5}] * 5
    motion, report = read(write(tmp_path / "a_b.csv", frames), 60.0)
    jaw = motion.weights[:, arkit.INDEX["jawOpen"]]
    np.testing.assert_allclose(jaw[:5], 1.08)
    assert jaw.max() <= 1.2
    assert motion.weights.min() == 0.0
    assert report.clipped_values == 10


def test_damaged_rows_are_counted_not_fatal(tmp_path: Path) -> None:
    path = write(tmp_path / "a_b.csv", [{"JawOpen": 0.5}] * 20)
    lines = path.read_text().splitlines()
    lines[5] = "nonsense,61" + ",0.1" * 55
    lines[7] = lines[7].replace("0.5", "oops", 1)
    lines[9] = lines[9].replace("0.5000000000", "nan", 1)
    path.write_text("\n".join(lines))
    motion, report = read(path, 60.0)
    np.testing.assert_allclose(motion.weights[:, arkit.INDEX["jawOpen"]], 0.5)
    assert report.unreadable_rows == 2
    assert len(motion.weights) == 20


def test_refusals_say_why(tmp_path: Path) -> None:
    with pytest.raises(LiveLinkError, match="found no file"):
        read_livelink(tmp_path / "absent.csv")
    with pytest.raises(LiveLinkError):
        read_livelink(tmp_path)
    other = tmp_path / "other.csv"
    other.write_text("time,x,y\n1,2,3\n")
    with pytest.raises(LiveLinkError, match="time,x,y"):
        read_livelink(other)
    other.write_bytes(bytes(range(128, 256)) * 10)
    with pytest.raises(LiveLinkError):
        read_livelink(other)
    other.write_text("")
    with pytest.raises(LiveLinkError):
        read_livelink(other)
    with pytest.raises(LiveLinkError):
        read_livelink(write(other, []))
    with pytest.raises(LiveLinkError, match="without one"):
        read_livelink(write(other, [None] * 8))
    with pytest.raises(LiveLinkError, match="JawOpen, CheekPuff"):
        read_livelink(write(other, [{}] * 3, columns=[c for c in ORDER if c not in ("JawOpen", "CheekPuff")]))
    with pytest.raises(LiveLinkError, match="spread over"):
        read_livelink(write(other, [{}] * 3, times=[0.0, 1 / 60, 40000.0]))


@settings(max_examples=60, deadline=None)
@given(
    order=st.permutations(ORDER),
    capitals=st.sampled_from([str, str.lower, str.upper]),
    count=st.sampled_from(["BlendShapeCount", "BlendshapeCount"]),
    fps=st.sampled_from([30.0, 60.0]),
    start_s=st.floats(0.0, 86400.0, exclude_max=True),
    lost=st.sets(st.integers(1, 38), max_size=12),
    head=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_whatever_the_order_spelling_rate_time_of_day_and_losses(
    tmp_path_factory: pytest.TempPathFactory,
    order: list[str],
    capitals: Callable[[str], str],
    count: str,
    fps: float,
    start_s: float,
    lost: set[int],
    head: bool,
    seed: int,
) -> None:
    """Every frame with a face comes back as it was written, at its time, under its name."""
    weights = np.random.default_rng(seed).uniform(0.0, 1.08, (40, arkit.COUNT))
    columns = [name for name in order if head or name not in HEAD]
    frames = [
        None if k in lost else {capitals(name): float(v) for name, v in zip(NAMES, weights[k], strict=True)}
        for k in range(len(weights))
    ]
    path = tmp_path_factory.mktemp("take") / "ann_x_1.csv"
    motion, report = read(
        write(path, frames, fps=fps, start_s=start_s, count=count, columns=[capitals(name) for name in columns]), fps
    )
    assert (motion.rate_hz, len(motion.weights)) == (fps, 40)
    seen = [k for k in range(40) if k not in lost]
    np.testing.assert_allclose(motion.weights[seen], weights[seen], atol=1e-9)
    assert report.lost_interpolated + report.lost_held == len(lost)
    assert report.wrapped_midnight == (start_s % 86400.0 + 39 / fps >= 86400.0 - 1e-4)
    assert (report.unreadable_rows, report.frames_missing, report.clipped_values) == (0, 0, 0)
    assert not report.head_recorded
