"""The merged matrices against the same physics, spelled out with quaternions and cross products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.channels import Channels
from face_inference.neutral import Neutral
from face_inference.skin_motion import Coefficients, SkinMotion, about_vertical
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
@given(st.integers(0, 10_000), st.floats(-3.0, 3.0), st.floats(-1.0, 1.0))
def test_headings_and_mountings_are_turned(seed, heading, mounting):
    neutral, position_m, _ = drawn(seed)
    order = np.arange(SENSORS)
    coefficients = Coefficients.of(neutral, position_m, order)
    skin = np.full(SENSORS - 1, 1.0)
    turned = coefficients.turned(heading * skin, mounting * skin)
    about = np.concatenate([[[0.0, 0.0, 0.0, 1.0]], np.tile(rotation.from_vector(mounting * VERTICAL), (len(skin), 1))])
    other = replace(
        neutral,
        mount=rotation.multiply(about, neutral.mount),
        yaw_rad=neutral.yaw_rad + np.concatenate([[0.0], (heading + mounting) * skin]),
    )
    np.testing.assert_allclose(turned, Coefficients.of(other, position_m, order).to_head, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1.0, 1.0))
def test_what_the_skin_does_is_turned_back_to_the_axes_of_the_neutral(seed, mounting):
    neutral, position_m, sample = drawn(seed)
    coefficients = Coefficients.of(neutral, position_m, np.arange(SENSORS))
    turns = np.full(SENSORS - 1, mounting)
    to_head = coefficients.turned(np.zeros(SENSORS - 1), turns)
    work = SkinMotion(len(sample), Channels(SENSORS, 0))
    work.sample[:] = sample
    work.measure()
    work.compute(coefficients, to_head)
    plain = work.features.copy()
    work.compute(coefficients, to_head, about_vertical(turns))
    skin = 12 * (SENSORS - 1)
    back = rotation.rotate(rotation.from_vector(-mounting * VERTICAL), plain[:, :skin].reshape(-1, 3))
    np.testing.assert_allclose(work.features[:, :skin].reshape(-1, 3), back, atol=1e-12)
    np.testing.assert_array_equal(work.features[:, skin:], plain[:, skin:])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_frames_do_not_see_each_other(seed):
    neutral, position_m, sample = drawn(seed)
    together = computed(neutral, position_m, sample).features
    alone = [computed(neutral, position_m, row[None]).features[0] for row in sample]
    np.testing.assert_allclose(np.stack(alone), together, atol=1e-12)
