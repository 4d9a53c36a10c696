from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from face_model.frames import GRAVITY_M_S2
from face_model.share import share_dir
from imu_sim.chips.parts import load_magnetometer, load_part, part_names
from imu_sim.errors import ImuSimError

FILES = sorted((share_dir() / "config" / "parts").glob("*.yaml"))


def test_shipped_parts_load() -> None:
    assert part_names() == ("BMI270", "ICM-42688-P", "LSM6DSV", "QMI8658")
    assert [path.stem for path in FILES] == sorted([*part_names(), "QMC5883P"])
    for name in part_names():
        part = load_part(name)
        assert part.name == name
        assert part == load_part(share_dir() / "config" / "parts" / f"{name}.yaml")


def test_units_are_si() -> None:
    part, magnetometer = load_part("QMI8658"), load_magnetometer()
    assert part.gyro.noise_density == pytest.approx(np.deg2rad(0.015))
    assert part.gyro.bias_instability == pytest.approx(np.deg2rad(10.0 / 3600.0))
    assert part.gyro.full_scale == pytest.approx(np.deg2rad(1024.0))
    assert part.accel.noise_density == pytest.approx(200e-6 * GRAVITY_M_S2)
    assert part.accel.turn_on_bias == pytest.approx(5e-3 * GRAVITY_M_S2)
    assert (part.gyro_range_dps, part.accel_range_g) == (1024, 8)
    assert magnetometer.noise == pytest.approx(0.2e-6)
    assert magnetometer.full_scale == pytest.approx(8e-4)


@pytest.mark.parametrize("name", part_names())
def test_noise_densities_are_those_of_the_datasheets(name: str) -> None:
    gyro_mdps, accel_ug = {
        "QMI8658": (15.0, (150.0, 200.0)),
        "ICM-42688-P": (2.8, (65.0, 75.0)),
        "BMI270": (7.0, (160.0, 160.0)),
        "LSM6DSV": (2.8, (60.0, 60.0)),
    }[name]
    part = load_part(name)
    assert np.rad2deg(part.gyro.noise_density) * 1e3 == pytest.approx(gyro_mdps)
    assert accel_ug[0] - 1e-6 <= part.accel.noise_density / GRAVITY_M_S2 * 1e6 <= accel_ug[1] + 1e-6


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_key_has_a_unit_and_a_source(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    sources = set(re.findall(r"^# (\[\d\]) ", text, re.MULTILINE))
    assert sources
    for line in text.splitlines():
        if re.match(r" *\w+:\s*$", line) or line.startswith(("#", "name:")):
            continue
        value, _, comment = line.partition("  # ")
        assert re.fullmatch(r"  \w+: [0-9.]+", value), line
        assert "a guess" in comment or any(source in comment for source in sources), line
        assert re.search(r"degrees|root Hz|gauss|\bT\b|1e-6 g|1e-3 g|gravities|%|Hz", comment), line


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("range_dps: 1024", "range_dps: fast"), "gyro.range_dps: expected a number, found 'fast'"),
        (("range_dps: 1024", "range_dps: true"), "gyro.range_dps: expected a number, found True"),
        (("range_dps: 1024", "range_dps: -5"), "gyro.range_dps: expected at least 1.0, found -5"),
        (
            ("range_dps: 1024", "range_dsp: 1024"),
            "gyro.range_dsp: expected a known key, found range_dsp; did you mean range_dps?",
        ),
        (("accel:", "acell:"), "acell: expected a known key, found acell; did you mean accel?"),
        (("name: QMI8658", "name: 8658"), "name: expected text, found 8658"),
        (("name: QMI8658", "name: ["), "expected YAML"),
    ],
)
def test_bad_files_are_refused_with_their_name(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    text = (share_dir() / "config" / "parts" / "QMI8658.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(ImuSimError, match=re.escape(words)) as caught:
        load_part(path)
    assert str(path) in str(caught.value)


def test_unknown_names_are_told_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ImuSimError, match="BMI270, ICM-42688-P, LSM6DSV, QMC5883P, QMI8658"):
        load_part("MPU6050")
    with pytest.raises(ImuSimError, match="no file"):
        load_part(tmp_path / "absent.yaml")
    with pytest.raises(ImuSimError, match="the keys here are name, gyro, accel"):
        load_part("QMC5883P")
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    with pytest.raises(ImuSimError, match="name: expected a value, found none"):
        load_part(empty)
