from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.channels import Channels
from face_inference.errors import InferenceError, ModelFolderError
from face_inference.network_inputs import InputAssembler, estimate_block, input_block, input_size
from face_inference.wearer.linear_estimate import LIMITS, LinearEstimate
from face_inference.wearer.prior import Prior, WearerJacobian
from face_model import arkit


def known(prior, jacobian):
    return WearerJacobian(jacobian, np.zeros((len(jacobian),) * 2), "phone")


def test_reading_is_the_conditional_mean_of_a_gaussian(prior):
    """Against conditioning of the joint covariance of weights and observation."""
    estimate = LinearEstimate(prior, prior.unknown_wearer)
    gain = estimate.gain(np.ones(prior.observations, dtype=bool))
    jacobian, weights_prior = prior.mean.astype(np.float64), prior.weights_covariance.astype(np.float64)
    cross = weights_prior @ jacobian.T
    total = jacobian @ weights_prior @ jacobian.T + prior.noise + prior.unknown_wearer.uncertainty
    np.testing.assert_allclose(gain.matrix, cross @ np.linalg.inv(total), atol=1e-3)
    variance = np.diag(weights_prior - cross @ np.linalg.inv(total) @ cross.T)
    np.testing.assert_allclose(gain.deviation, np.sqrt(variance), atol=1e-4)


def test_knowing_the_wearer_reads_better(prior):
    rng = np.random.default_rng(0)
    own = prior.mean + np.einsum("r,rds->ds", rng.normal(0.0, 1.0, len(prior.factors)), prior.factors)
    weights = np.clip(rng.normal(prior.weights_mean, 0.15, (500, arkit.COUNT)), 0.0, 1.0)
    observed = (weights @ own.T + rng.normal(0.0, 0.01, (500, len(own)))).astype(np.float32)
    valid = np.ones(len(own), dtype=bool)
    errors = [
        np.abs(LinearEstimate(prior, wearer).weights(observed, valid)[0] - weights).mean()
        for wearer in (prior.unknown_wearer, known(prior, own))
    ]
    assert errors[1] < 0.97 * errors[0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 14), max_size=15))
def test_fewer_sensors_are_less_sure_and_do_not_matter(prior, missing):
    estimate = LinearEstimate(prior, prior.unknown_wearer)
    valid = np.ones(prior.observations, dtype=bool)
    whole = estimate.gain(valid).deviation
    valid[missing] = False
    gain = estimate.gain(valid)
    assert (gain.deviation >= whole - 1e-5).all()
    assert not gain.matrix[:, ~valid].any()
    if not valid.any():
        np.testing.assert_allclose(gain.offset, prior.weights_mean, atol=1e-6)


def test_readings_stay_within_what_weights_can_be(prior):
    weights, _ = LinearEstimate(prior, prior.unknown_wearer).weights(
        np.full((4, prior.observations), 50.0, dtype=np.float32), np.ones(prior.observations, dtype=bool)
    )
    assert weights.min() >= LIMITS[0]
    assert weights.max() <= LIMITS[1]


def test_gains_of_flickering_sensors_do_not_fill_memory(prior, monkeypatch):
    monkeypatch.setattr("face_inference.wearer.linear_estimate._MASKS_KEPT", 4)
    estimate = LinearEstimate(prior, prior.unknown_wearer)
    for i in range(12):
        valid = np.ones(prior.observations, dtype=bool)
        valid[i] = False
        estimate.gain(valid)
    assert len(estimate._gains) <= 4


def test_inputs_of_a_take_are_those_of_its_ticks(prior):
    channels = Channels(6, 0)
    features = np.random.default_rng(0).normal(0.0, 0.1, (30, channels.size)).astype(np.float32)
    features[:, channels.valid] = 1.0
    features[10:20, channels.valid][:, 2] = 0.0
    features[10:20, channels.valid.start + 2] = 0.0
    assembler = InputAssembler(channels, LinearEstimate(prior, prior.unknown_wearer))
    batch = assembler.batch(features)
    assert batch.shape == (30, input_size(channels))
    np.testing.assert_allclose(np.stack([assembler.step(row).copy() for row in features]), batch, atol=1e-5)
    np.testing.assert_array_equal(batch[:, : channels.size], features)
    assert (batch[10:20, estimate_block(channels).stop :] > batch[:10, estimate_block(channels).stop :]).any()


def test_inputs_can_be_written_where_the_caller_wants_them(prior):
    channels = Channels(6, 0)
    features = np.random.default_rng(0).normal(0.0, 0.1, (3, channels.size)).astype(np.float32)
    features[:, channels.valid] = 1.0
    features[1, channels.valid.start + 2] = 0.0
    estimate = LinearEstimate(prior, prior.unknown_wearer)
    rows = np.full((5, input_size(channels)), np.nan, dtype=np.float32)
    assembler = InputAssembler(channels, estimate)
    for i, each in enumerate(features):
        assert np.shares_memory(assembler.step(each, rows[i + 1]), rows)
    np.testing.assert_array_equal(rows[1:4], [InputAssembler(channels, estimate).step(each) for each in features])
    assert np.isnan(rows[[0, 4]]).all(), "rows of other faces stay as they are"


def test_a_prior_survives_its_file(prior, tmp_path):
    prior.save(tmp_path / "p.safetensors")
    found = Prior.load(tmp_path / "p.safetensors")
    np.testing.assert_allclose(found.factors, prior.factors, rtol=2e-3, atol=1e-6)
    np.testing.assert_array_equal(found.noise, prior.noise)


@pytest.mark.parametrize("content", [b"", b"not a prior", None])
def test_a_damaged_prior_is_refused(tmp_path, content):
    path = tmp_path / "p.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFolderError, match="expected a prior"):
        Prior.load(path)


def test_a_prior_of_wrong_shapes_is_refused(prior):
    from dataclasses import replace

    with pytest.raises(ModelFolderError, match="noise"):
        replace(prior, noise=prior.noise[:3])


def test_blocks_of_inputs_are_where_they_are_said_to_be(prior):
    channels = Channels(6, 0)
    assert input_block(channels, "rotation") == channels.skin_block("rotation")
    block = input_block(channels, "estimate")
    assert (block.start, block.stop) == (channels.size, input_size(channels))
    with pytest.raises(InferenceError, match="rotation, tilt, rate, force, estimate"):
        input_block(channels, "smell")
