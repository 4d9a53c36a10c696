"""The merged matrices against the same physics, spelled out with quaternions and cross products."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.channels import Channels
from face_inference.neutral import Neutral
from face_inference.skin_motion import Coefficients, SkinMotion
from face_model import rotation

SENSORS, FRAMES = 4, 3
VERTICAL = np.array([0.0, 0.0, 1.0])


def drawn(seed):
    """Neutral, positions, and samples (N, S, 10) with quaternions that are a little off unit length."""
    rng = np.random.default_rng(seed)
    mount = rotation.normalise(rng.normal(size=(SENSORS, 4)))
    yaw = rng.uniform(-3.0, 3.0, SENSORS)
    neutral = Neutral(mount, yaw, 0.3, np.ones(SENSORS, dtype=bool), 0.0)
    # Skin stays within a quarter turn of the skull: at a half turn a rotation vector has two values.
    skull = rotation.normalise(rng.normal(size=(FRAMES, 1, 4)))
    skin = rotation.from_vector(rng.uniform(-0.7, 0.7, (FRAMES, SENSORS, 3)))
    head = rotation.multiply(np.broadcast_to(skull, skin.shape), skin)
    earth = rotation.from_vector(np.outer(-yaw, VERTICAL))
    sensor = rotation.multiply(np.broadcast_to(earth, head.shape), rotation.multiply(head, mount[None]))
    sensor = sensor * rng.uniform(0.98, 1.02, (FRAMES, SENSORS, 1)) * rng.choice([-1.0, 1.0], (FRAMES, SENSORS, 1))
    motion = rng.normal(0.0, 3.0, (FRAMES, SENSORS, 6))
    return neutral, rng.uniform(-0.1, 0.1, (SENSORS, 3)), np.concatenate([sensor, motion], axis=-1)


def computed(neutral, position_m, sample):
    work = SkinMotion(len(sample), Channels(SENSORS, 0))
    work.sample[:] = sample
    work.measure()
    coefficients = Coefficients.of(neutral, position_m, np.arange(SENSORS))
    work.compute(coefficients, coefficients.to_head)
    return work


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_features_are_what_the_physics_says(seed):
    neutral, position_m, sample = drawn(seed)
    work = computed(neutral, position_m, sample)
    mount = np.broadcast_to(neutral.mount, (FRAMES, SENSORS, 4))
    yaw = rotation.from_vector(np.outer(neutral.yaw_rad, VERTICAL))
    unit = rotation.normalise(sample[..., :4])
    head = rotation.multiply(np.broadcast_to(yaw, unit.shape), rotation.multiply(unit, rotation.conjugate(mount)))
    up = rotation.rotate(rotation.conjugate(head), np.broadcast_to(VERTICAL, (FRAMES, SENSORS, 3)))
    rate, force = rotation.rotate(mount, sample[..., 4:7]), rotation.rotate(mount, sample[..., 7:])
    skull = np.broadcast_to(head[:, :1], head[:, 1:].shape)
    relative = rotation.to_vector(rotation.multiply(rotation.conjugate(skull), head[:, 1:]))
    tilt = rotation.between(up[:, 1:], np.broadcast_to(up[:, :1], up[:, 1:].shape))
    wide = np.broadcast_to(rate[:, :1], rate[:, 1:].shape)
    arm = np.broadcast_to(position_m[1:] - position_m[0], wide.shape)
    centripetal = rotation.cross(wide, rotation.cross(wide, arm))
    expected = [
        relative,
        rotation.to_vector(tilt),
        rotation.rotate(tilt, rate[:, 1:]) - rate[:, :1],
        rotation.rotate(tilt, force[:, 1:]) - force[:, :1] - centripetal,
        up[:, 0],
        rate[:, 0],
        np.ones((FRAMES, SENSORS)),
    ]
    flat = np.concatenate([x.reshape(FRAMES, -1) for x in expected], axis=1)
    np.testing.assert_allclose(work.features, flat, atol=1e-6)
    np.testing.assert_allclose(work.rate, rate, atol=1e-9)
    np.testing.assert_allclose(work.upright, (up[:, 1:] * up[:, :1]).sum(axis=-1), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-3.0, 3.0))
def test_a_quarter_turns_the_heading(seed, angle):
    neutral, position_m, sample = drawn(seed)
    coefficients = Coefficients.of(neutral, position_m, np.arange(SENSORS))
    plain = coefficients.to_head[1:, :4, :4]
    turned = np.cos(0.5 * angle) * plain + np.sin(0.5 * angle) * coefficients.quarter
    head = (plain @ sample[0, 1:, :4, None])[..., 0]
    about = np.broadcast_to(rotation.from_vector(angle * VERTICAL), head.shape)
    np.testing.assert_allclose((turned @ sample[0, 1:, :4, None])[..., 0], rotation.multiply(about, head), atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_frames_do_not_see_each_other(seed):
    neutral, position_m, sample = drawn(seed)
    together = computed(neutral, position_m, sample).features
    alone = [computed(neutral, position_m, row[None]).features[0] for row in sample]
    np.testing.assert_allclose(np.stack(alone), together, atol=1e-12)
