from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from face_model import rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.chips.noise import Warming
from imu_sim.chips.parts import SensorPart, Triad, load_part, part_names, perfect_part
from imu_sim.chips.sensor import Measured, SensorBank

RATE_HZ = 1000.0
AT_REFERENCE = Warming(room_c=25.0, skin_c=25.0)


def bank(part: SensorPart, seed: int, sensors: int = 2, decimation: int = 5, **options: object) -> SensorBank:
    return SensorBank(part, sensors, RATE_HZ, decimation, np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def at_rest(samples: int, sensors: int = 2) -> tuple[np.ndarray, np.ndarray]:
    gyro = np.zeros((samples, sensors, 3))
    return gyro, gyro + np.array([0.0, 0.0, GRAVITY_M_S2])


def with_gyro(**errors: float) -> SensorPart:
    perfect = perfect_part()
    return replace(perfect, gyro=replace(perfect.gyro, **errors))


def allan_deviation(samples: np.ndarray, rate_hz: float, tau_s: float) -> np.ndarray:
    """Overlapping Allan deviation over axis 0 (IEEE 952-1997, C.3), for averaging time `tau_s`."""
    m = round(tau_s * rate_hz)
    angle = np.concatenate([np.zeros((1, *samples.shape[1:])), np.cumsum(samples, axis=0, dtype=np.float64)])
    second = angle[2 * m :] - 2.0 * angle[m:-m] + angle[: -2 * m]
    return np.asarray(np.sqrt(np.mean(second**2, axis=0) / 2.0) / m)


def hour_at_rest(part: SensorPart, rate_hz: float = 100.0) -> Measured:
    """An hour of two units at an output rate that keeps the test quick; the low-pass is that of the part."""
    source = SensorBank(part, 2, rate_hz, 1, np.random.default_rng(11), warming=AT_REFERENCE)
    return source.measure(*at_rest(round(3600 * rate_hz)))


@pytest.mark.parametrize("name", part_names())
def test_an_hour_at_rest_has_the_allan_deviation_of_the_datasheet(name: str) -> None:
    part = load_part(name)
    measured = hour_at_rest(part)
    for signal, triad in ((measured.angular_velocity, part.gyro), (measured.specific_force, part.accel)):
        # A datasheet's density d is one-sided (its rms is d sqrt(bandwidth)): the Allan deviation is d / sqrt(2 tau),
        # up to the times at which flicker shows.
        for tau_s in (0.2, 0.5):
            found = np.sqrt(np.mean(allan_deviation(signal, 100.0, tau_s) ** 2))
            assert found * np.sqrt(2.0 * tau_s) == pytest.approx(triad.noise_density, rel=0.05)


@pytest.mark.parametrize("triad", ["gyro", "accel"])
def test_allan_deviation_without_white_noise_is_flat_at_the_instability(triad: str) -> None:
    part = load_part("ICM-42688-P")
    floor = getattr(part, triad).bias_instability
    only = Triad(getattr(part, triad).full_scale, bias_instability=floor)
    source = SensorBank(replace(perfect_part(), **{triad: only}), 40, 10.0, 1, np.random.default_rng(12))
    measured = source.measure(*at_rest(36000, 40))
    signal = measured.angular_velocity if triad == "gyro" else measured.specific_force
    for tau_s in (20.0, 60.0, 200.0, 500.0):
        found = np.sqrt(np.mean(allan_deviation(signal, 10.0, tau_s) ** 2))
        assert found == pytest.approx(floor, rel=0.12)


def test_noise_falls_with_the_low_pass_and_not_before() -> None:
    density, bandwidth_hz = 1e-3, 50.0
    signal = bank(with_gyro(noise_density=density, bandwidth_hz=bandwidth_hz), 1, decimation=1).measure(
        *at_rest(200_000)
    )
    spectrum = np.abs(np.fft.rfft(signal.angular_velocity, axis=0)) ** 2 * 2.0 / (RATE_HZ * 200_000)
    frequency = np.fft.rfftfreq(200_000, 1.0 / RATE_HZ)

    def mean_density(low_hz: float, high_hz: float) -> float:
        return float(np.sqrt(spectrum[(frequency > low_hz) & (frequency < high_hz)].mean()))

    assert mean_density(1.0, 15.0) == pytest.approx(density, rel=0.03)
    assert mean_density(49.0, 51.0) == pytest.approx(density / np.sqrt(2.0), rel=0.05)
    assert mean_density(150.0, 400.0) < 0.12 * density


@pytest.mark.parametrize(("frequency_hz", "gain"), [(5.0, 1.0), (50.0, 0.5**0.5), (99.0, 0.24)])
def test_low_pass_gain(frequency_hz: float, gain: float) -> None:
    times = np.arange(4000) / RATE_HZ
    gyro, accel = at_rest(4000, 1)
    gyro[:, 0, 1] = np.sin(2.0 * np.pi * frequency_hz * times)
    filtered = bank(with_gyro(bandwidth_hz=50.0), 2, 1, decimation=1).measure(gyro, accel).angular_velocity[1000:, 0, 1]
    # Second-order Butterworth: gain 1 / sqrt(1 + (f / fc)^4), a little less near half the rate.
    assert np.sqrt(2.0 * np.mean(filtered**2)) == pytest.approx(gain, rel=0.02)


def test_filter_starts_settled_and_keeps_the_last_of_each_group() -> None:
    gyro, accel = at_rest(40)
    gyro += 0.3
    measured = bank(with_gyro(bandwidth_hz=40.0), 3).measure(gyro, accel)
    np.testing.assert_allclose(measured.angular_velocity, 0.3, atol=1e-12)
    counting = np.broadcast_to(np.arange(40.0)[:, None, None], gyro.shape)
    kept = bank(perfect_part(1e6), 4).measure(counting, accel).angular_velocity
    np.testing.assert_array_equal(kept[:, 0, 0], np.arange(4.0, 40.0, 5.0))


def test_counts_are_whole_and_right_to_half_a_count() -> None:
    step = load_part().gyro.resolution
    rng = np.random.default_rng(5)
    gyro, accel = rng.normal(0.0, 1.0, (500, 2, 3)), at_rest(500)[1]
    read = bank(with_gyro(resolution=step), 6, decimation=1).measure(gyro, accel).angular_velocity
    np.testing.assert_allclose(read / step, np.rint(read / step), atol=1e-6)
    error = (read - gyro) / step
    assert np.abs(error).max() <= 0.5 + 1e-9
    assert error.std() == pytest.approx(1.0 / np.sqrt(12.0), rel=0.05)


def test_saturation_is_clipped_and_told() -> None:
    gyro, accel = at_rest(3)
    gyro[1, 0, 2], accel[2, 1, 0] = -30.0, 90.0
    measured = bank(perfect_part(), 7, decimation=1).measure(gyro, accel)
    assert measured.angular_velocity[1, 0, 2] == pytest.approx(-np.deg2rad(1024))
    assert measured.specific_force[2, 1, 0] == pytest.approx(8 * GRAVITY_M_S2)
    np.testing.assert_array_equal(np.argwhere(measured.gyro_saturated), [[1, 0]])
    np.testing.assert_array_equal(np.argwhere(measured.accel_saturated), [[2, 1]])


def test_range_of_a_quantised_part_is_twos_complement() -> None:
    step = float(np.deg2rad(1024)) / 32768
    gyro, accel = at_rest(2)
    gyro[0], gyro[1] = 100.0, -100.0
    read = bank(with_gyro(resolution=step), 8, decimation=1).measure(gyro, accel)
    np.testing.assert_allclose(read.angular_velocity[:, 0, 0] / step, [32767, -32768])
    assert read.gyro_saturated.all()


def test_perfect_part_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    gyro, accel = rng.normal(0.0, 1.0, (50, 3, 3)), rng.normal(0.0, 9.0, (50, 3, 3))
    measured = bank(perfect_part(), 10, 3, decimation=1).measure(gyro, accel)
    np.testing.assert_allclose(measured.angular_velocity, gyro, atol=1e-12)
    np.testing.assert_allclose(measured.specific_force, accel, atol=1e-12)


@pytest.mark.parametrize("name", part_names())
def test_scale_and_cross_axis_are_found_by_least_squares(name: str) -> None:
    """Turning about many axes, as on a rate table: a linear fit gives the errors that the part file states."""
    part = load_part(name)
    quiet = replace(
        part,
        gyro=replace(part.gyro, noise_density=0.0, gravity_sensitivity=0.0, bandwidth_hz=float("inf")),
        accel=replace(part.accel, noise_density=0.0, bandwidth_hz=float("inf")),
    )
    rng, sensors = np.random.default_rng(13), 200
    gyro = np.repeat(rng.normal(0.0, 2.0, (60, 1, 3)), sensors, axis=1)
    accel = np.repeat(rng.normal(0.0, 10.0, (60, 1, 3)), sensors, axis=1)
    measured = bank(quiet, 14, sensors, decimation=1, warming=AT_REFERENCE).measure(gyro, accel)
    for ideal, read, triad in (
        (gyro, measured.angular_velocity, part.gyro),
        (accel, measured.specific_force, part.accel),
    ):
        design = np.concatenate([ideal[:, 0], np.ones((60, 1))], axis=1)
        fit = np.linalg.lstsq(design, read.reshape(60, -1), rcond=None)[0].reshape(4, sensors, 3)
        matrix = np.swapaxes(fit[:3], 0, 1) - np.eye(3)
        diagonal = np.eye(3, dtype=bool)
        assert matrix[:, diagonal].std() == pytest.approx(triad.scale_error, rel=0.1)
        assert matrix[:, ~diagonal].std() == pytest.approx(triad.cross_axis, rel=0.1)
        assert fit[3].std() == pytest.approx(triad.turn_on_bias, rel=0.15)


def test_factory_calibration_removes_the_offset_of_the_part() -> None:
    part, sensors = with_gyro(offset=0.02, turn_on_bias=0.001), 300
    raw, left = (
        bank(part, 15, sensors, calibrated=calibrated, decimation=1).measure(*at_rest(1, sensors)).angular_velocity
        for calibrated in (False, True)
    )
    assert raw.std() == pytest.approx(0.02, rel=0.1)
    assert left.std() == pytest.approx(0.001, rel=0.1)


def test_gravity_moves_a_gyroscope_by_its_sensitivity() -> None:
    sensors, sensitivity = 300, float(np.deg2rad(0.1)) / GRAVITY_M_S2
    part = with_gyro(gravity_sensitivity=sensitivity)
    gyro, accel = at_rest(2, sensors)
    accel[1] *= -1.0
    read = bank(part, 16, sensors, decimation=1).measure(gyro, accel).angular_velocity
    np.testing.assert_allclose(read[0], -read[1], atol=1e-12)
    assert np.rad2deg(read[0].std()) == pytest.approx(0.1, rel=0.1)


def test_bias_and_sensitivity_follow_the_temperature_of_the_skin() -> None:
    part, sensors = with_gyro(temperature_bias=1e-3, temperature_scale=2e-4), 300
    warming = Warming(room_c=20.0, skin_c=35.0, time_constant_s=50.0, worn_s=0.0)
    source = SensorBank(part, sensors, 2.0, 1, np.random.default_rng(17), warming=warming)
    gyro, accel = at_rest(1200, sensors)
    bias = source.measure(gyro, accel).angular_velocity
    times = np.arange(1200) / 2.0
    np.testing.assert_allclose(warming.above_reference(times), 10.0 - 15.0 * np.exp(-times / 50.0), atol=1e-12)
    slope = bias[0] / -5.0
    assert slope.std() == pytest.approx(1e-3, rel=0.1)
    np.testing.assert_allclose(bias, warming.above_reference(times)[:, None, None] * slope, atol=1e-12)
    fast = source.measure(gyro + 5.0, accel).angular_velocity[-1] - bias[-1]
    assert (fast / 5.0 - 1.0).std() == pytest.approx(2e-4 * 10.0, rel=0.1)


@pytest.mark.parametrize("name", part_names())
def test_any_split_of_the_stream_gives_the_same_values(name: str) -> None:
    rng = np.random.default_rng(18)
    gyro, accel = rng.normal(0.0, 1.0, (6000, 2, 3)), rng.normal(0.0, 9.0, (6000, 2, 3))
    whole = bank(load_part(name), 19).measure(gyro, accel)
    source = bank(load_part(name), 19)
    edges = (0, 5, 5, 250, 3035, 3040, 6000)
    parts = [source.measure(gyro[a:b], accel[a:b]) for a, b in pairwise(edges)]
    for field in ("angular_velocity", "specific_force", "gyro_saturated", "accel_saturated"):
        joined = np.concatenate([getattr(part, field) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, field))


def test_seed_decides_every_value() -> None:
    first, again, other = (bank(load_part(), seed).measure(*at_rest(100)) for seed in (20, 20, 21))
    np.testing.assert_array_equal(first.angular_velocity, again.angular_velocity)
    np.testing.assert_array_equal(first.specific_force, again.specific_force)
    assert not np.array_equal(first.angular_velocity, other.angular_velocity)


def test_incomplete_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 5"):
        bank(load_part(), 22).measure(*at_rest(7))


def turning(seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head that moves about all axes: orientation (N, 4), rate (N, 3) and specific force (N, 3) in its own axes."""
    times = np.arange(1, round(seconds * RATE_HZ) + 1) / RATE_HZ
    vector = np.stack([0.5 * np.sin(0.7 * times), 0.3 * np.sin(1.1 * times), 0.8 * np.sin(0.4 * times)], axis=1)
    truth = rotation.from_vector(vector)
    step = rotation.multiply(rotation.conjugate(truth[:-1]), truth[1:])
    rate = np.concatenate([np.zeros((1, 3)), rotation.to_vector(step) * RATE_HZ])
    return truth, rate, np.asarray(rotation.rotate(rotation.conjugate(truth), np.array([0.0, 0.0, GRAVITY_M_S2])))


def error_after(start: np.ndarray, rates: np.ndarray, rate_hz: float, end: np.ndarray) -> np.ndarray:
    """Angle (S,) between the orientation that rates (N, S, 3) lead to from `start` and the true `end`, rad."""
    turns = rotation.from_vector(rates / rate_hz)
    # Neighbours are multiplied pairwise until one turn is left, which takes log N steps instead of N.
    while len(turns) > 1:
        even = rotation.multiply(turns[0 : len(turns) - 1 : 2], turns[1::2])
        turns = np.concatenate([even, turns[len(turns) // 2 * 2 :]])
    found = rotation.multiply(np.broadcast_to(start, turns[0].shape), turns[0])
    wrong = rotation.multiply(rotation.conjugate(found), np.broadcast_to(end, found.shape))
    return np.asarray(np.linalg.norm(rotation.to_vector(wrong), axis=-1))


def test_integrated_rate_of_a_perfect_gyroscope_is_the_orientation() -> None:
    truth, rate, force = turning(30.0)
    read = bank(perfect_part(), 24, 1, decimation=1).measure(rate[:, None], force[:, None]).angular_velocity
    assert error_after(truth[0], read, RATE_HZ, truth[-1]).max() < 1e-6


@pytest.mark.parametrize("name", part_names())
def test_integrated_rate_returns_the_orientation_within_the_stated_errors(name: str) -> None:
    """Half a minute of turning: the angle that is wrong is bias times time and scale error times angle."""
    part, sensors, seconds = load_part(name), 20, 30.0
    truth, rate, force = turning(seconds)
    ideal = (np.repeat(each[:, None], sensors, axis=1) for each in (rate, force))
    read = bank(part, 23, sensors, warming=AT_REFERENCE).measure(*ideal).angular_velocity
    wrong = error_after(truth[0], read, RATE_HZ / 5.0, truth[-1])
    gyro = part.gyro
    bias = np.sqrt(3.0) * np.hypot(gyro.turn_on_bias, gyro.gravity_sensitivity * GRAVITY_M_S2) * seconds
    turned = np.sqrt(3.0) * (gyro.scale_error + gyro.cross_axis) * 2.0
    assert wrong.max() < 3.0 * (bias + turned) + 0.02
    assert np.sqrt(np.mean(wrong**2)) > 0.2 * bias  # the errors are there
