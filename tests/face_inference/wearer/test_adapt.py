from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.errors import WearerError
from face_inference.wearer.adapt import LabelledRows, adapt
from face_model import arkit


def rows_of(population, response, weights, spread=0.0, noise=0.0, seed=0, valid=None):
    rng = np.random.default_rng(seed)
    observed = weights @ response.T + rng.normal(0.0, noise, (len(weights), population.observations))
    valid = np.ones(observed.shape, dtype=bool) if valid is None else valid
    return LabelledRows(observed, weights, np.full(weights.shape, spread), valid)


def drawn(population, seed):
    rng = np.random.default_rng(seed)
    own = rng.normal(0.0, 1.0, len(population.factors))
    return population.mean + np.einsum("r,rds->ds", own, population.factors)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_many_exact_rows_find_the_wearers_response(population, seed):
    response = drawn(population, seed)
    weights = np.random.default_rng(seed).uniform(0.0, 1.0, (400, arkit.COUNT))
    found = adapt(population, rows_of(population, response, weights), "phone")
    assert np.abs(found.response - response).max() < 0.25 * np.abs(population.mean - response).max()
    assert np.trace(found.uncertainty) < 0.05 * np.trace(population.anybody.uncertainty)


def test_what_was_not_exercised_stays_what_it_is_for_everybody(population):
    """Only elements of their own deviation are in play here: factors would carry knowledge between shapes."""
    from dataclasses import replace

    alone = replace(population, factors=population.factors[:0])
    weights = np.zeros((20, arkit.COUNT))
    weights[:, 3] = 0.8
    found = adapt(alone, rows_of(alone, drawn(population, 1), weights), "prompts")
    others = np.arange(arkit.COUNT) != 3
    np.testing.assert_allclose(found.response[:, others], alone.mean[:, others], atol=1e-9)
    assert np.abs(found.response[:, 3] - alone.mean[:, 3]).max() > 0.01


def test_posterior_is_that_of_the_textbook(population):
    """Against the formula written out for a handful of rows in observation space."""
    rng = np.random.default_rng(5)
    response, weights = drawn(population, 2), rng.uniform(0.0, 1.0, (3, arkit.COUNT))
    rows = rows_of(population, response, weights, spread=0.05, noise=0.01)
    size = population.mean.size
    flat = population.factors.reshape(len(population.factors), -1).astype(np.float64)
    prior = flat.T @ flat + np.diag(np.square(population.spread.reshape(-1).astype(np.float64)))
    design = np.concatenate([np.kron(np.eye(population.observations), w[None]) for w in weights])
    label = population.mean.astype(np.float64) * 0.05
    noise = np.kron(np.eye(3), population.noise + label @ label.T)
    gain = prior @ design.T @ np.linalg.inv(design @ prior @ design.T + noise)
    mean = population.mean.reshape(-1).astype(np.float64)
    expected = mean + gain @ (rows.observation.reshape(-1) - design @ mean)
    found = adapt(population, rows, "prompts")
    np.testing.assert_allclose(found.response.reshape(-1), expected, atol=1e-6)
    assert expected.shape == (size,)


def test_uncertain_labels_move_less(population):
    weights = np.zeros((1, arkit.COUNT))
    weights[0, 3] = 0.8
    response = drawn(population, 4)
    sure = adapt(population, rows_of(population, response, weights, spread=0.01), "phone")
    unsure = adapt(population, rows_of(population, response, weights, spread=0.4), "prompts")
    moved = [np.linalg.norm(each.response - population.mean) for each in (sure, unsure)]
    assert moved[1] < 0.8 * moved[0]
    assert np.trace(unsure.uncertainty) > np.trace(sure.uncertainty)


def test_an_unseen_sensor_teaches_nothing_and_its_values_do_not_matter(population):
    weights = np.random.default_rng(0).uniform(0.0, 1.0, (20, arkit.COUNT))
    response = drawn(population, 4)
    valid = np.ones((20, population.observations), dtype=bool)
    valid[:, :3] = False
    rows = rows_of(population, response, weights, valid=valid)
    rows.observation[:, :3] = np.nan
    found = adapt(population, rows, "phone")
    rows.observation[:, :3] = 9.0
    np.testing.assert_array_equal(found.response, adapt(population, rows, "phone").response)


def test_rows_of_another_model_or_with_nan_are_refused(population):
    weights = np.zeros((2, arkit.COUNT))
    with pytest.raises(WearerError, match="channels"):
        adapt(population, LabelledRows(np.zeros((2, 3)), weights, weights, np.ones((2, 3), dtype=bool)), "phone")
    rows = rows_of(population, drawn(population, 1), weights)
    rows.weights[0, 0] = np.nan
    with pytest.raises(WearerError, match="finite"):
        adapt(population, rows, "phone")
    with pytest.raises(WearerError, match="expected"):
        LabelledRows(np.zeros((2, 3)), weights, weights[:1], np.ones((2, 3), dtype=bool))
