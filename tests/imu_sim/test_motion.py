from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model import arkit, rotation
from imu_sim.errors import MotionError
from imu_sim.generator import generate
from imu_sim.motion import FaceMotion, ease, still


def random_motion(seed: int, samples: int = 90, rate_hz: float = 30.0) -> FaceMotion:
    rng = np.random.default_rng(seed)
    q = rotation.normalise(np.cumsum(rng.normal(0.0, 0.05, (samples, 4)), axis=0) + rng.normal(0.0, 1.0, 4))
    return FaceMotion(rate_hz, rng.random((samples, arkit.COUNT)), q, rng.normal(0.0, 0.1, (samples, 3)), "take", "who")


@given(st.integers(0, 1000), st.floats(5.0, 400.0))
@settings(max_examples=25, deadline=None)
def test_resampling_keeps_both_ends_and_unit_quaternions(seed: int, rate_hz: float) -> None:
    motion = random_motion(seed)
    other = motion.resampled(rate_hz)
    np.testing.assert_allclose(other.weights[[0, -1]], motion.weights[[0, -1]], atol=1e-12)
    dots = np.abs(np.sum(other.head_orientation[[0, -1]] * motion.head_orientation[[0, -1]], axis=-1))
    np.testing.assert_allclose(dots, 1.0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(other.head_orientation, axis=-1), 1.0, atol=1e-9)
    assert abs(other.duration_s - motion.duration_s) <= 0.5 / rate_hz + 1e-9


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_faded_takes_loop_from_neutral_to_neutral(seed: int) -> None:
    faded = random_motion(seed).faded()
    assert faded.loops
    assert not faded.weights[[0, -1]].any()
    np.testing.assert_allclose(faded.head_orientation[[0, -1]], [[0, 0, 0, 1]] * 2, atol=1e-12)
    assert faded.weights.max() > 0.5  # the middle is still there


def test_mirroring_twice_is_nothing_and_once_swaps_sides() -> None:
    motion = random_motion(1)
    twice = motion.mirrored().mirrored()
    np.testing.assert_array_equal(twice.weights, motion.weights)
    np.testing.assert_array_equal(twice.head_orientation, motion.head_orientation)
    left, right = arkit.INDEX["mouthSmileLeft"], arkit.INDEX["mouthSmileRight"]
    np.testing.assert_array_equal(motion.mirrored().weights[:, left], motion.weights[:, right])
    # The mirror image of a turned vector is the mirrored vector turned by the mirrored rotation.
    mirror, v = np.array([1.0, -1.0, 1.0]), np.array([0.3, 0.5, -0.2])
    turned = rotation.rotate(motion.head_orientation, np.broadcast_to(v, (motion.samples, 3)))
    other = rotation.rotate(motion.mirrored().head_orientation, np.broadcast_to(v * mirror, (motion.samples, 3)))
    np.testing.assert_allclose(other, turned * mirror, atol=1e-12)


@pytest.mark.parametrize("broken", ["weights", "head_orientation", "head_position"])
def test_arrays_that_disagree_are_refused(broken: str) -> None:
    good = still(1.0)
    arrays = {name: getattr(good, name) for name in ("weights", "head_orientation", "head_position")}
    with pytest.raises(MotionError, match=broken):
        FaceMotion(60.0, **(arrays | {broken: arrays[broken][:-1, :-1]}))
    bad = arrays[broken].copy()
    bad[3, 0] = np.nan
    with pytest.raises(MotionError, match="finite"):
        FaceMotion(60.0, **(arrays | {broken: bad}))


def test_a_single_sample_is_no_motion() -> None:
    with pytest.raises(MotionError, match="two samples"):
        FaceMotion(60.0, np.zeros((1, 52)), np.array([[0.0, 0.0, 0.0, 1.0]]), np.zeros((1, 3)))


def test_generated_motion_does_not_look_looped_when_it_is_not() -> None:
    assert generate(1, 10.0).loops
    assert not random_motion(2).loops


def test_ease_is_a_step_with_flat_ends() -> None:
    x = np.linspace(-0.5, 1.5, 2001)
    y = ease(x)
    assert y[0] == 0.0
    assert y[-1] == 1.0
    assert np.all(np.diff(y) >= 0.0)
    assert ease(np.array([0.5]))[0] == pytest.approx(0.5)
