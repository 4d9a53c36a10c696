from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from face_model import imu_sample
from face_model.imu_sample import ImuSample, status_of

MESSAGE = Path(__file__).resolve().parents[2] / "msg" / "ImuFrame.msg"


def test_status_bits_are_those_of_the_message() -> None:
    bits = {name: int(value) for name, value in re.findall(r"uint8 (STATUS_\w+)=(\d+)", MESSAGE.read_text())}
    assert bits == {name: getattr(imu_sample, name) for name in bits}


def test_a_sensor_is_valid_only_with_rate_force_and_orientation_and_no_trouble() -> None:
    good = imu_sample.STATUS_VALID | imu_sample.STATUS_ORIENTATION_VALID
    saturated = good | imu_sample.STATUS_GYRO_SATURATED
    status = [good, imu_sample.STATUS_VALID, saturated, good | imu_sample.STATUS_FAULT, imu_sample.STATUS_MISSING]
    wide = [np.zeros((5, width), np.float32) for width in (4, 3, 3)]
    sample = ImuSample(1, 0, 0.0, np.array(status, np.uint8), *wide)
    np.testing.assert_array_equal(sample.valid, [True, False, True, False, False])


def test_what_is_only_known_as_valid_or_not_comes_back() -> None:
    valid = np.array([True, False])
    wide = [np.zeros((2, width), np.float32) for width in (4, 3, 3)]
    np.testing.assert_array_equal(ImuSample(1, 0, 0.0, status_of(valid), *wide).valid, valid)
