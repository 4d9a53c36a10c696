from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_model import arkit, rotation
from imu_sim.recorded_motion import recorded_motion

COLUMNS = ("HeadYaw", *(name[0].upper() + name[1:] for name in arkit.BLENDSHAPES))


def write(path: Path, yaw_rad: list[float]) -> Path:
    lines = [",".join(["Timecode", "BlendShapeCount", *COLUMNS])]
    for index, yaw in enumerate(yaw_rad):
        seconds, ticks = divmod(index, 60)
        lines.append(f"00:00:{seconds:02d}:{ticks:02d}.000,61,{yaw:.6f}" + ",0.0" * arkit.COUNT)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_head_motion_is_simulated_only_where_there_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a_b.csv", [0.0] * 300)
    motion, report = recorded_motion(path, seed=4)
    assert not report.head_recorded
    assert "all zero" in str(report)
    assert np.ptp(rotation.to_vector(motion.head_orientation), axis=0).max() > 0.005
    np.testing.assert_array_equal(recorded_motion(path, seed=4)[0].head_orientation, motion.head_orientation)
    assert not np.allclose(recorded_motion(path, seed=5)[0].head_orientation, motion.head_orientation)

    turned, report = recorded_motion(write(tmp_path / "c_d.csv", [0.002 * k for k in range(300)]))
    assert report.head_recorded
    assert rotation.to_vector(turned.head_orientation)[150, 2] == pytest.approx(0.3, abs=0.01)


@pytest.mark.shared
def test_real_takes(shared: Path) -> None:
    takes = {path.stem: recorded_motion(path) for path in sorted((shared / "data" / "motion_arkit").glob("*.csv"))}
    assert {report.rate_hz for _, report in takes.values()} == {30.0, 60.0}
    seconds = {"person_a_rom_1": 134, "person_a_rom_2": 127, "person_b_wide": 27, "person_c_short": 5.5}
    for name, expected in seconds.items():
        motion, report = takes[name]
        assert motion.duration_s == pytest.approx(expected, abs=1.0)
        assert report.unreadable_rows == 0
        assert motion.person == name[:8]
        assert motion.faded().loops
    assert max(report.largest_weight for _, report in takes.values()) == pytest.approx(1.05, abs=0.04)
