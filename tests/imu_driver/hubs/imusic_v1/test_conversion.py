"""Promises 4 and 6: units, order, and what becomes of missing, saturated, stuck and impossible sensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from face_model import imu_sample, rotation
from face_model.layout import SensorLayout
from imu_driver import host_fusion
from imu_driver.hubs.imusic_v1 import conversion
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.conversion import SampleConverter

S = 12
GOOD = imu_sample.STATUS_VALID | imu_sample.STATUS_ORIENTATION_VALID


def sample(
    seed: int = 0,
    status: NDArray[np.uint8] | None = None,
    quaternion: NDArray[np.int16] | None = None,
    gyro: NDArray[np.int16] | None = None,
    accel: NDArray[np.int16] | None = None,
    *,
    count: int = S,
    with_quaternion: bool = True,
) -> p.Sample:
    """A sample of plausible noise, with blocks replaced on demand."""
    rng = np.random.default_rng(seed)
    unit = rotation.normalise(rng.normal(size=(count, 4)))
    quaternion = p.to_counts(unit, p.QUATERNION_SCALE) if quaternion is None else quaternion
    return p.Sample.from_arrays(
        seed,
        seed * 10_000,
        np.ones(count, np.uint8) if status is None else status,
        quaternion=quaternion if with_quaternion else None,
        gyro=rng.integers(-500, 500, (count, 3)).astype(np.int16) if gyro is None else gyro,
        accel=rng.integers(1, 5000, (count, 3)).astype(np.int16) if accel is None else accel,
    )


@pytest.fixture
def converter(hello: p.Hello, layout: SensorLayout) -> SampleConverter:
    return SampleConverter(hello, layout, 100.0)


def test_si_units(converter: SampleConverter) -> None:
    quaternion = np.tile(np.array([0, 0, 23170, 23170], np.int16), (S, 1))
    gyro = np.tile(np.array([16384, 0, -32], np.int16), (S, 1))
    accel = np.tile(np.array([0, -2048, 4096], np.int16), (S, 1))
    out = converter.convert(sample(quaternion=quaternion, gyro=gyro, accel=accel))
    np.testing.assert_array_equal(out.status, GOOD)
    np.testing.assert_allclose(out.angular_velocity, np.tile(np.deg2rad([512.0, 0.0, -1.0]), (S, 1)), rtol=1e-6)
    np.testing.assert_allclose(out.specific_force, np.tile([0.0, -4.903325, 9.80665], (S, 1)), rtol=1e-6)
    np.testing.assert_allclose(out.orientation, np.tile([0.0, 0.0, 0.5**0.5, 0.5**0.5], (S, 1)), rtol=1e-6)
    for array in (out.orientation, out.angular_velocity, out.specific_force):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_order_ranges_and_absent_units(hello: p.Hello, layout: SensorLayout) -> None:
    order = [7, 3, 11, 0, 1, 2, 4, 5, 6, 8]
    units = [replace(hello.sensors[i], gyro_range_dps=100 * (i + 1), accel_range_g=i + 1) for i in order]
    units[1] = replace(units[1], flags=0)
    units.insert(4, p.SensorInfo(99, "elbow", "X", 1, 1))
    ids = [unit.id for unit in units]
    made = sample(1, count=len(units))
    out = SampleConverter(replace(hello, sensors=tuple(units)), layout, 100.0).convert(made)
    assert made.gyro is not None
    assert made.accel is not None
    for i, sensor in enumerate(layout.sensors):
        if sensor.id in (3, 9, 10):
            assert out.status[i] == imu_sample.STATUS_MISSING
            np.testing.assert_array_equal(out.orientation[i], [0, 0, 0, 1])
            assert not out.angular_velocity[i].any()
            assert not out.specific_force[i].any()
            continue
        k = ids.index(sensor.id)
        assert out.status[i] == GOOD
        gyro = made.gyro[k] / 32768 * np.deg2rad(100 * (sensor.id + 1))
        np.testing.assert_allclose(out.angular_velocity[i], gyro, rtol=1e-5)
        np.testing.assert_allclose(out.specific_force[i], made.accel[k] / 32768 * 9.80665 * (sensor.id + 1), rtol=1e-5)


@pytest.mark.parametrize(
    ("hub", "expected"),
    [
        (1, GOOD),
        (3, GOOD | imu_sample.STATUS_GYRO_SATURATED),
        (5, GOOD | imu_sample.STATUS_ACCEL_SATURATED),
        (8, imu_sample.STATUS_FAULT),
        (9, imu_sample.STATUS_FAULT),
        (16, imu_sample.STATUS_MISSING),
        (0, 0),
    ],
)
def test_the_hubs_verdict_and_no_other_sensor_suffers(converter: SampleConverter, hub: int, expected: int) -> None:
    status = np.ones(S, np.uint8)
    status[4] = hub
    out = converter.convert(sample(2, status))
    assert out.status[4] == expected
    np.testing.assert_array_equal(np.delete(out.status, 4), GOOD)
    if not expected & imu_sample.STATUS_VALID:
        assert not out.angular_velocity[4].any()
        assert not out.specific_force[4].any()
        np.testing.assert_array_equal(out.orientation[4], [0, 0, 0, 1])


@pytest.mark.parametrize("end", [-32768, 32767])
def test_saturation_that_the_hub_does_not_report(converter: SampleConverter, end: int) -> None:
    made = sample(3)
    assert made.gyro is not None
    assert made.accel is not None
    gyro, accel = made.gyro.copy(), made.accel.copy()
    gyro[2, 1] = accel[5, 0] = end
    gyro[6, 0] = 32766
    out = converter.convert(sample(3, gyro=gyro, accel=accel))
    assert out.status[2] == GOOD | imu_sample.STATUS_GYRO_SATURATED
    assert out.status[5] == GOOD | imu_sample.STATUS_ACCEL_SATURATED
    assert out.status[6] == GOOD


@pytest.mark.parametrize("scale", [0.9, 0.94, 0.96, 1.0])
def test_quaternion_norm(converter: SampleConverter, scale: float) -> None:
    quaternion = np.tile(np.array([0, 0, 0, 32767], np.int16), (S, 1))
    quaternion[8] = np.round(32767 * scale * np.array([0.6, 0.0, 0.8, 0.0]))
    out = converter.convert(sample(4, quaternion=quaternion))
    if abs(scale - 1.0) > conversion.NORM_TOLERANCE:
        assert out.status[8] == imu_sample.STATUS_FAULT
        assert not out.angular_velocity[8].any()
        np.testing.assert_array_equal(out.orientation[8], [0, 0, 0, 1])
    else:
        assert out.status[8] == GOOD
        np.testing.assert_allclose(out.orientation[8], [0.6, 0, 0.8, 0], atol=1e-4)
    np.testing.assert_array_equal(np.delete(out.status, 8), GOOD)


def test_no_quaternion_yet_is_no_fault(converter: SampleConverter) -> None:
    quaternion = np.tile(np.array([0, 0, 0, 32767], np.int16), (S, 1))
    quaternion[0] = 0
    out = converter.convert(sample(5, quaternion=quaternion))
    assert out.status[0] == imu_sample.STATUS_VALID
    np.testing.assert_array_equal(out.orientation[0], [0, 0, 0, 1])


def test_free_fall_without_noise_is_a_dead_bus(converter: SampleConverter) -> None:
    accel = np.full((S, 3), 1000, np.int16)
    accel[7] = 0
    assert converter.convert(sample(6, accel=accel)).status[7] == imu_sample.STATUS_FAULT


def test_a_stuck_sensor_is_found_after_half_a_second_and_freed(converter: SampleConverter) -> None:
    frozen = sample(7)
    assert frozen.gyro is not None
    assert frozen.accel is not None
    seen = []
    for i in range(80):
        moving = sample(100 + i)
        assert moving.gyro is not None
        assert moving.accel is not None
        gyro, accel = moving.gyro.copy(), moving.accel.copy()
        if i < 70:
            gyro[9], accel[9] = frozen.gyro[9], frozen.accel[9]
        out = converter.convert(sample(100 + i, quaternion=frozen.quaternion, gyro=gyro, accel=accel))
        seen.append(int(out.status[9]))
        np.testing.assert_array_equal(np.delete(out.status, 9), GOOD)
    assert seen == [GOOD] * 50 + [imu_sample.STATUS_FAULT] * 20 + [GOOD] * 10


def test_without_quaternions_and_without_filter(hello: p.Hello, layout: SensorLayout) -> None:
    out = SampleConverter(replace(hello, fields=6), layout, 100.0).convert(sample(8, with_quaternion=False))
    np.testing.assert_array_equal(out.status, imu_sample.STATUS_VALID)
    np.testing.assert_array_equal(out.orientation, np.tile([0, 0, 0, 1], (S, 1)))


def test_a_hub_without_motion_is_refused(converter: SampleConverter) -> None:
    with pytest.raises(ValueError, match="gyroscope and accelerometer"):
        converter.convert(p.Sample(0, 0, 1, b"\1" * S, b"\0" * 8 * S))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_the_hub_sends_is_finite_and_unit(
    make_converter: Callable[[], SampleConverter], data: st.DataObject
) -> None:
    converter = make_converter()
    extreme = st.sampled_from([0, 1, -1, 4096, 23170, 32767, -32768])
    for i in range(3):
        motion = np.array(data.draw(st.lists(extreme, min_size=120, max_size=120)), "<i2").tobytes()
        status = data.draw(st.binary(min_size=S, max_size=S))
        out = converter.convert(p.Sample(i, i, 7, status, motion))
        for array in (out.orientation, out.angular_velocity, out.specific_force):
            assert np.isfinite(array).all()
        np.testing.assert_allclose(np.linalg.norm(out.orientation, axis=1), 1.0, atol=1e-5)
        bad = out.status & imu_sample.STATUS_VALID == 0
        assert not out.status[bad].astype(int).__and__(imu_sample.STATUS_ORIENTATION_VALID).any()
        assert not out.specific_force[bad].any()


def test_a_turn_that_the_gyroscope_does_not_know(converter: SampleConverter) -> None:
    still = np.tile(np.array([0, 0, 0, 32767], np.int16), (S, 1))
    turned = still.copy()
    turned[5] = [32767, 0, 0, 0]
    seen = []
    for i in range(20):
        gyro = np.random.default_rng(i).integers(-5, 5, (S, 3)).astype(np.int16)
        out = converter.convert(sample(i, quaternion=turned if i == 10 else still, gyro=gyro))
        seen.append(int(out.status[5]))
        assert out.valid[5] == (i != 10)
        np.testing.assert_array_equal(np.delete(out.status, 5), GOOD)
    assert seen == [GOOD] * 10 + [imu_sample.STATUS_FAULT] + [GOOD] * 9
    assert converter.disagreeing.tolist() == [0] * 5 + [1] + [0] * 6


# Fusion on the host


def turning(i: int, rate_hz: float) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Counts of twelve sensors that turn at 45 degrees per second about the vertical x axis."""
    noise = np.random.default_rng(i).integers(-2, 3, (2, S, 3))
    gyro = noise[0] + [round(45 / (1024 / 32768)), 0, 0]
    accel = noise[1] + [4096, 0, 0]
    return gyro.astype(np.int16), accel.astype(np.int16)


@pytest.mark.parametrize("lose_every", [0, 5])
def test_host_fusion(hello: p.Hello, layout: SensorLayout, lose_every: int) -> None:
    pytest.importorskip("vqf")
    converter = SampleConverter(replace(hello, fields=6), layout, 100.0, host_fusion.make_filter(S, 100.0))
    first = last = None
    lost = 0
    for i in range(301):
        if lose_every and i % lose_every == 1:
            lost += 1
            continue
        gyro, accel = turning(i, 100.0)
        out = converter.convert(sample(i, gyro=gyro, accel=accel, with_quaternion=False), lost)
        lost = 0
        last = out.orientation[3]
        first = out.orientation[3] if i == 100 else first
        np.testing.assert_array_equal(out.status, GOOD | imu_sample.STATUS_ORIENTATION_HOST)
    assert first is not None
    assert last is not None
    # z of the earth is the sensor's x; two seconds at 45 degrees per second.
    np.testing.assert_allclose(rotation.rotate(last, np.array([1.0, 0, 0], np.float32)), [0, 0, 1], atol=0.02)
    turned = rotation.to_vector(rotation.multiply(rotation.conjugate(first), last))
    np.testing.assert_allclose(np.rad2deg(turned), [90.0, 0, 0], atol=1.5)


def test_host_fusion_leaves_faulty_sensors_out(hello: p.Hello, layout: SensorLayout) -> None:
    pytest.importorskip("vqf")
    converter = SampleConverter(replace(hello, fields=6), layout, 100.0, host_fusion.make_filter(S, 100.0))
    status = np.ones(S, np.uint8)
    status[2] = 8
    out = converter.convert(sample(0, status, with_quaternion=False))
    assert out.status[2] == imu_sample.STATUS_FAULT
    np.testing.assert_array_equal(out.orientation[2], [0, 0, 0, 1])


def test_without_vqf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vqf", None)
    assert host_fusion.make_filter(S, 100.0) is None


@pytest.fixture(scope="session")
def make_converter(hello: p.Hello, layout: SensorLayout) -> Callable[[], SampleConverter]:
    return lambda: SampleConverter(hello, layout, 100.0)
