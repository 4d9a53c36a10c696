"""Recordings: written and read back the same, and refused when their arrays disagree."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imu_sim.errors import DatasetError
from imu_sim.recording import Recording


def recording(samples: int = 7, sensors: int = 3) -> Recording:
    rng = np.random.default_rng(3)

    def random(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    return Recording(
        person="someone",
        take="calm",
        rate_hz=100.0,
        sensor_names=tuple(f"unit_{i}" for i in range(sensors)),
        orientation=random(samples, sensors, 4),
        angular_velocity=random(samples, sensors, 3),
        specific_force=random(samples, sensors, 3),
        valid=rng.uniform(size=(samples, sensors)) > 0.5,
        weights=random(samples, 52),
        head_orientation=random(samples, 4),
    )


def test_round_trip(tmp_path: Path) -> None:
    original = recording()
    original.save(tmp_path / "take.npz")
    loaded = Recording.load(tmp_path / "take.npz")
    for field in fields(Recording):
        before, after = getattr(original, field.name), getattr(loaded, field.name)
        if isinstance(before, np.ndarray):
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before


def test_duration() -> None:
    assert recording(samples=250).duration_s == pytest.approx(2.5)


@pytest.mark.parametrize("name", ["orientation", "angular_velocity", "specific_force", "weights", "head_orientation"])
def test_arrays_of_another_length_are_named(name: str) -> None:
    take = recording()
    with pytest.raises(DatasetError, match=f"{name}: expected"):
        replace(take, **{name: getattr(take, name)[:-1]})


def test_missing_sensor_names_are_named() -> None:
    with pytest.raises(DatasetError, match="sensor_names: expected 3, found 1"):
        replace(recording(), sensor_names=("alone",))


def test_missing_file_and_missing_arrays(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent\.npz"):
        Recording.load(tmp_path / "absent.npz")
    np.savez(tmp_path / "half.npz", person="someone", take="calm")
    with pytest.raises(DatasetError, match="rate_hz"):
        Recording.load(tmp_path / "half.npz")


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "text.npz"
    path.write_bytes(b"not an archive at all")
    with pytest.raises(DatasetError, match=r"text\.npz"):
        Recording.load(path)


def test_a_truncated_archive(tmp_path: Path) -> None:
    path = tmp_path / "take.npz"
    recording().save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match=r"take\.npz"):
        Recording.load(path)
