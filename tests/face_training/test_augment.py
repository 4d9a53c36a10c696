from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.takes import recorded_features
from face_inference.channels import Channels
from face_inference.network_inputs import InputAssembler, estimate_block
from face_inference.wearer.linear_estimate import LinearEstimate
from face_model import arkit, rotation
from face_model.frames import GRAVITY_M_S2
from face_training.augment import Augmenter, drop_sensors, mirror_features, mirror_inputs, offset_heading
from face_training.config import AugmentConfig


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_mirroring_twice_gives_the_input_back(mounts, seed):
    channels = Channels.of(mounts)
    features = np.random.default_rng(seed).normal(size=(3, 20, channels.size)).astype(np.float32)
    features[..., channels.valid] = 1.0
    twice = mirror_features(mounts, mirror_features(mounts, features, 100.0), 100.0)
    np.testing.assert_allclose(twice, features, atol=1e-3)


def test_mirroring_equals_a_mirrored_wearer(mounts, recorded):
    """Physics decides: signals of the mirror-image head, worked out from its own motion, against mirrored features."""
    take = recorded(seed=3, seconds=6.0, face=0.0, head=0.4)
    found = mirror_features(mounts, recorded_features(take, mounts)[None], 100.0)[0]

    turn = take.head_orientation.astype(np.float64) * [-1.0, 1.0, -1.0, 1.0]
    omega = rotation.rotate(mounts.orientation, take.angular_velocity.astype(np.float64))[:, 0] * [-1.0, 1.0, -1.0]
    arm = np.broadcast_to(mounts.position_m, (len(turn), 6, 3))
    wide = np.broadcast_to(omega[:, None], arm.shape)
    steep = np.broadcast_to(np.gradient(omega, 0.01, axis=0)[:, None], arm.shape)
    up = rotation.rotate(rotation.conjugate(turn), np.broadcast_to([0.0, 0.0, GRAVITY_M_S2], omega.shape))
    force = up[:, None] + rotation.cross(steep, arm) + rotation.cross(wide, rotation.cross(wide, arm))
    back = np.broadcast_to(rotation.conjugate(mounts.orientation), (*arm.shape[:2], 4))
    mirrored = replace(
        take,
        orientation=rotation.multiply(turn[:, None], mounts.orientation[None]).astype(np.float32),
        angular_velocity=rotation.rotate(back, wide).astype(np.float32),
        specific_force=rotation.rotate(back, force).astype(np.float32),
    )
    expected = recorded_features(mirrored, mounts)
    assert np.abs(expected[:, Channels.of(mounts).skin_block("force")]).max() > 0.03, "the lever arm must matter here"
    np.testing.assert_allclose(found[5:-5], expected[5:-5], atol=2e-2)


def test_heading_offsets_turn_about_the_vertical_only(mounts, recorded):
    channels = Channels.of(mounts)
    features = recorded_features(recorded(seed=4, seconds=5.0), mounts)[None]
    changed = features.copy()
    offset_heading(channels, changed, np.full((1, 1, 5), 0.2))
    block = channels.skin_block("rotation")
    others = np.ones(channels.size, dtype=bool)
    others[block] = False
    np.testing.assert_array_equal(changed[..., others], features[..., others])
    at_rest = changed[0, 10, block].reshape(5, 3)
    np.testing.assert_allclose(at_rest, np.tile([0.0, 0.0, 0.2], (5, 1)), atol=1e-3)
    offset_heading(channels, changed, np.full((1, 1, 5), -0.2))
    np.testing.assert_allclose(changed, features, atol=1e-3)


def test_a_dropped_sensor_looks_like_a_missing_one(mounts, recorded):
    channels = Channels.of(mounts)
    recording = recorded(seed=4, seconds=4.0)
    features = recorded_features(recording, mounts)[None].copy()
    drop_sensors(channels, features, np.arange(6)[None] == 2)
    recording.valid[:, 2] = False
    # But for the headings of the others, which how far all boards are tilted helps to tell: a tenth of a millirad.
    np.testing.assert_allclose(features[0], recorded_features(recording, mounts), atol=1e-4)


@pytest.fixture
def estimate(prior) -> LinearEstimate:
    return LinearEstimate(prior, prior.unknown_wearer)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_the_augmenter_mirrors_weights_with_inputs_and_leaves_its_input_alone(mounts, recorded, estimate, mirror):
    recording = recorded(seed=4, seconds=4.0)
    channels = Channels.of(mounts)
    features, weights = recorded_features(recording, mounts)[None], recording.weights[None]
    before = features.copy()
    plain = AugmentConfig(mirror_share=mirror, heading_deg=0.0, drop_share=0.0, noise=0.0)
    scale = np.ones(channels.size, dtype=np.float32)
    augment = Augmenter(mounts, plain, 100.0, scale)
    found, found_weights = augment(np.random.default_rng(0), features, weights, [estimate])
    np.testing.assert_array_equal(features, before)
    inputs = InputAssembler(channels, estimate).batch(features[0])[None]
    if mirror:
        np.testing.assert_array_equal(found_weights, weights[..., list(arkit.MIRROR)])
        np.testing.assert_allclose(found, mirror_inputs(mounts, inputs, 100.0), atol=1e-4)
        read = inputs[..., estimate_block(channels)][..., list(arkit.MIRROR)]
        np.testing.assert_allclose(found[..., estimate_block(channels)], read, atol=1e-4)
        np.testing.assert_allclose(found[..., : channels.size], mirror_features(mounts, features, 100.0), atol=1e-4)
    else:
        np.testing.assert_array_equal(found_weights, weights)
        np.testing.assert_allclose(found, inputs, atol=1e-4)


def test_the_reading_is_that_of_what_the_augmented_sensors_say(mounts, recorded, estimate):
    """A sensor that was dropped, noise and a heading error are in the linear estimate, too."""
    channels = Channels.of(mounts)
    features = np.repeat(recorded_features(recorded(seconds=4.0), mounts)[None, 300:350], 8, axis=0)
    config = AugmentConfig(mirror_share=0.0, heading_deg=20.0, drop_share=0.9, drop_chunks=1.0, noise=0.1)
    augment = Augmenter(mounts, config, 100.0, np.full(channels.size, 0.1, dtype=np.float32))
    weights = np.zeros((8, 50, arkit.COUNT), dtype=np.float32)
    found, _ = augment(np.random.default_rng(0), features, weights, [estimate] * 8)
    again = np.stack([InputAssembler(channels, estimate).batch(chunk[:, : channels.size]) for chunk in found])
    np.testing.assert_allclose(again, found, atol=1e-5)
    assert np.ptp(found[:, 0, -1]) > 0.0, "fewer sensors are less sure"


def test_the_reference_is_never_dropped_and_the_mask_stays_a_mask(mounts, recorded, estimate):
    channels = Channels.of(mounts)
    features = np.repeat(recorded_features(recorded(seconds=3.0), mounts)[None, :50], 64, axis=0)
    config = AugmentConfig(drop_share=0.9, drop_chunks=1.0, noise=0.1)
    scale = np.ones(channels.size, dtype=np.float32)
    weights = np.zeros((64, 50, 52), dtype=np.float32)
    augment = Augmenter(mounts, config, 100.0, scale)
    found, _ = augment(np.random.default_rng(0), features, weights, [estimate] * 64)
    found = found[..., : channels.size]
    valid = found[..., channels.valid]
    assert set(np.unique(valid)) == {0.0, 1.0}
    assert valid[..., 0].all()
    assert not found[..., channels.sensor_of == 2][valid[..., 2] == 0].any()
