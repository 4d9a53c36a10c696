from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imu_driver.gyro_bias import LEAST_DEVIATION_RAD_S, GyroBiasError, GyroBiasFile
from imu_driver.hub import GyroBias, HubIdentity, HubSensor, gyro_bias_from, gyro_bias_text

UNITS = tuple(HubSensor(i, f"place {i}", "QMI8658", True, 17.5, 78.0) for i in (1, 2, 7))
HUB = HubIdentity("a hub/../with:odd name", "1", UNITS, 100, False)
KNOWN = {1: GyroBias((0.01, -0.02, 0.003), 0.003), 7: GyroBias((0.0, 0.0, -0.01), 0.0001)}


def test_what_was_kept_is_found_again_and_believed_with_care(tmp_path: Path) -> None:
    file = GyroBiasFile.of(tmp_path, HUB)
    assert file.load(HUB) == {}
    assert file.save(HUB, KNOWN | {2: GyroBias((0.0, 0.0, 0.0), 0.009), 9: KNOWN[1]}) == 2
    assert file.path.is_relative_to(tmp_path / "gyro_bias")
    found = file.load(HUB)
    assert found == {1: KNOWN[1], 7: replace(KNOWN[7], deviation_rad_s=LEAST_DEVIATION_RAD_S)}
    assert [p.name for p in file.path.parent.iterdir()] == [file.path.name]


def test_units_that_are_not_there_now_are_kept(tmp_path: Path) -> None:
    file = GyroBiasFile.of(tmp_path, HUB)
    file.save(HUB, KNOWN)
    file.save(HUB, {1: GyroBias((0.02, 0.0, 0.0), 0.003)})
    assert file.load(HUB)[1].bias_rad_s == (0.02, 0.0, 0.0)
    assert file.load(HUB)[7].bias_rad_s == KNOWN[7].bias_rad_s


def test_another_part_another_range_and_another_hub_begin_anew(tmp_path: Path) -> None:
    GyroBiasFile.of(tmp_path, HUB).save(HUB, KNOWN)
    first, *others = UNITS
    for unit in (replace(first, part="ICM-42688"), replace(first, gyro_range_rad_s=35.0), replace(first, id=3)):
        changed = replace(HUB, sensors=(unit, *others))
        assert set(GyroBiasFile.of(tmp_path, changed).load(changed)) == {7}
    other = replace(HUB, name="another")
    assert GyroBiasFile.of(tmp_path, other).load(other) == {}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 2, "units": {}}', '{"version": 1}', "\0" * 400_000])
def test_a_damaged_file_is_told_and_written_anew(tmp_path: Path, text: str) -> None:
    file = GyroBiasFile.of(tmp_path, HUB)
    file.path.parent.mkdir(parents=True)
    file.path.write_text(text)
    with pytest.raises(GyroBiasError, match="expected gyroscope biases"):
        file.load(HUB)
    file.save(HUB, KNOWN)
    assert set(file.load(HUB)) == {1, 7}


@given(st.recursive(st.none() | st.floats() | st.text(max_size=3), lambda x: st.lists(x, max_size=4)))
@example([10**400, 0, 0])
def test_impossible_biases_are_left_out(tmp_path_factory: pytest.TempPathFactory, bias: object) -> None:
    file = GyroBiasFile.of(tmp_path_factory.mktemp("state"), HUB)
    file.path.parent.mkdir(parents=True)
    unit = {"part": "QMI8658", "range_rad_s": 17.5, "deviation_rad_s": 0.001}
    good = unit | {"bias_rad_s": [0.01, 0.0, 0.0]}
    bad = unit | {"bias_rad_s": bias}
    file.path.write_text(json.dumps({"version": 1, "units": {"1": bad, "2": [1.0, 0.0, 0.0], "7": good}}))
    found = file.load(HUB)
    assert 7 in found
    assert all(abs(v) < 0.1 for one in found.values() for v in one.bias_rad_s)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "gyro_bias").write_text("a file")
    with pytest.raises(GyroBiasError, match="state_folder"):
        GyroBiasFile.of(tmp_path, HUB).save(HUB, KNOWN)


def test_as_text_on_the_line() -> None:
    assert gyro_bias_from(gyro_bias_text(KNOWN)) == KNOWN
    for text in (
        b"",
        b"[]",
        b'{"1": 2}',
        b'{"x": [1, 2, 3, 4]}',
        b'{"1": [1, 2, 3]}',
        b"\xff",
        b'{"1": [1, 2, 3, 1' + 400 * b"0" + b"]}",
    ):
        with pytest.raises(ValueError, match=r"."):
            gyro_bias_from(text)
