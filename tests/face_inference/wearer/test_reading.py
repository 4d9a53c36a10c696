from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.channels import Channels
from face_inference.errors import ModelFolderError, TrainingError
from face_inference.inputs import InputAssembler, input_block, input_size, reading_block
from face_inference.wearer.population import Population
from face_inference.wearer.reading import LIMITS, Reading
from face_inference.wearer.response import WearerResponse
from face_model import arkit


def known(population, response):
    return WearerResponse(response, np.zeros((len(response),) * 2), "phone")


def test_reading_is_the_conditional_mean_of_a_gaussian(population):
    """Against conditioning of the joint covariance of weights and observation."""
    reading = Reading(population, population.anybody)
    gain = reading.gain(np.ones(population.observations, dtype=bool))
    response, prior = population.mean.astype(np.float64), population.weights_covariance.astype(np.float64)
    cross = prior @ response.T
    total = response @ prior @ response.T + population.noise + population.anybody.uncertainty
    np.testing.assert_allclose(gain.matrix, cross @ np.linalg.inv(total), atol=1e-3)
    variance = np.diag(prior - cross @ np.linalg.inv(total) @ cross.T)
    np.testing.assert_allclose(gain.deviation, np.sqrt(variance), atol=1e-4)


def test_knowing_the_wearer_reads_better(population):
    rng = np.random.default_rng(0)
    own = population.mean + np.einsum("r,rds->ds", rng.normal(0.0, 1.0, len(population.factors)), population.factors)
    weights = np.clip(rng.normal(population.weights_mean, 0.15, (500, arkit.COUNT)), 0.0, 1.0)
    observed = (weights @ own.T + rng.normal(0.0, 0.01, (500, len(own)))).astype(np.float32)
    valid = np.ones(len(own), dtype=bool)
    errors = [
        np.abs(Reading(population, wearer).read(observed, valid)[0] - weights).mean()
        for wearer in (population.anybody, known(population, own))
    ]
    assert errors[1] < 0.97 * errors[0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 14), max_size=15))
def test_fewer_sensors_are_less_sure_and_do_not_matter(population, missing):
    reading = Reading(population, population.anybody)
    valid = np.ones(population.observations, dtype=bool)
    whole = reading.gain(valid).deviation
    valid[missing] = False
    gain = reading.gain(valid)
    assert (gain.deviation >= whole - 1e-5).all()
    assert not gain.matrix[:, ~valid].any()
    if not valid.any():
        np.testing.assert_allclose(gain.offset, population.weights_mean, atol=1e-6)


def test_readings_stay_within_what_weights_can_be(population):
    weights, _ = Reading(population, population.anybody).read(
        np.full((4, population.observations), 50.0, dtype=np.float32), np.ones(population.observations, dtype=bool)
    )
    assert weights.min() >= LIMITS[0]
    assert weights.max() <= LIMITS[1]


def test_gains_of_flickering_sensors_do_not_fill_memory(population, monkeypatch):
    monkeypatch.setattr("face_inference.wearer.reading._MASKS_KEPT", 4)
    reading = Reading(population, population.anybody)
    for i in range(12):
        valid = np.ones(population.observations, dtype=bool)
        valid[i] = False
        reading.gain(valid)
    assert len(reading._gains) <= 4


def test_inputs_of_a_take_are_those_of_its_ticks(population):
    channels = Channels(6, 0)
    features = np.random.default_rng(0).normal(0.0, 0.1, (30, channels.size)).astype(np.float32)
    features[:, channels.valid] = 1.0
    features[10:20, channels.valid][:, 2] = 0.0
    features[10:20, channels.valid.start + 2] = 0.0
    assembler = InputAssembler(channels, Reading(population, population.anybody))
    batch = assembler.batch(features)
    assert batch.shape == (30, input_size(channels))
    np.testing.assert_allclose(np.stack([assembler.step(row).copy() for row in features]), batch, atol=1e-5)
    np.testing.assert_array_equal(batch[:, : channels.size], features)
    assert (batch[10:20, reading_block(channels).stop :] > batch[:10, reading_block(channels).stop :]).any()


def test_inputs_can_be_written_where_the_caller_wants_them(population):
    channels = Channels(6, 0)
    features = np.random.default_rng(0).normal(0.0, 0.1, (3, channels.size)).astype(np.float32)
    features[:, channels.valid] = 1.0
    features[1, channels.valid.start + 2] = 0.0
    reading = Reading(population, population.anybody)
    rows = np.full((5, input_size(channels)), np.nan, dtype=np.float32)
    assembler = InputAssembler(channels, reading)
    for i, each in enumerate(features):
        assert np.shares_memory(assembler.step(each, rows[i + 1]), rows)
    np.testing.assert_array_equal(rows[1:4], [InputAssembler(channels, reading).step(each) for each in features])
    assert np.isnan(rows[[0, 4]]).all(), "rows of other faces stay as they are"


def test_a_population_survives_its_file(population, tmp_path):
    population.save(tmp_path / "p.safetensors")
    found = Population.load(tmp_path / "p.safetensors")
    np.testing.assert_allclose(found.factors, population.factors, rtol=2e-3, atol=1e-6)
    np.testing.assert_array_equal(found.noise, population.noise)


@pytest.mark.parametrize("content", [b"", b"not a population", None])
def test_a_damaged_population_is_refused(tmp_path, content):
    path = tmp_path / "p.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFolderError, match="expected a population"):
        Population.load(path)


def test_a_population_of_wrong_shapes_is_refused(population):
    from dataclasses import replace

    with pytest.raises(ModelFolderError, match="noise"):
        replace(population, noise=population.noise[:3])


def test_blocks_of_inputs_are_where_they_are_said_to_be(population):
    channels = Channels(6, 0)
    assert input_block(channels, "rotation") == channels.skin_block("rotation")
    block = input_block(channels, "reading")
    assert (block.start, block.stop) == (channels.size, input_size(channels))
    with pytest.raises(TrainingError, match="rotation, tilt, rate, force, reading"):
        input_block(channels, "smell")
