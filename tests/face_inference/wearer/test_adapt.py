from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.errors import WearerError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.evidence import LabelledRows
from face_model import arkit


def rows_of(prior, jacobian, weights, spread=0.0, noise=0.0, seed=0, valid=None):
    rng = np.random.default_rng(seed)
    observed = weights @ jacobian.T + rng.normal(0.0, noise, (len(weights), prior.observations))
    valid = np.ones(observed.shape, dtype=bool) if valid is None else valid
    return LabelledRows(observed, weights, np.full(weights.shape, spread), valid)


def drawn(prior, seed):
    rng = np.random.default_rng(seed)
    own = rng.normal(0.0, 1.0, len(prior.factors))
    return prior.mean + np.einsum("r,rds->ds", own, prior.factors)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_many_exact_rows_find_the_wearers_response(prior, seed):
    jacobian = drawn(prior, seed)
    weights = np.random.default_rng(seed).uniform(0.0, 1.0, (400, arkit.COUNT))
    found = adapt(prior, rows_of(prior, jacobian, weights), "phone")
    assert np.abs(found.mean - jacobian).max() < 0.25 * np.abs(prior.mean - jacobian).max()
    assert np.trace(found.uncertainty) < 0.05 * np.trace(prior.unknown_wearer.uncertainty)


def test_what_was_not_exercised_stays_what_it_is_for_everybody(prior):
    """Only elements of their own deviation are in play here: factors would carry knowledge between shapes."""
    from dataclasses import replace

    alone = replace(prior, factors=prior.factors[:0])
    weights = np.zeros((20, arkit.COUNT))
    weights[:, 3] = 0.8
    found = adapt(alone, rows_of(alone, drawn(prior, 1), weights), "prompts")
    others = np.arange(arkit.COUNT) != 3
    np.testing.assert_allclose(found.mean[:, others], alone.mean[:, others], atol=1e-9)
    assert np.abs(found.mean[:, 3] - alone.mean[:, 3]).max() > 0.01


def test_posterior_is_that_of_the_textbook(prior):
    """Against the formula written out for a handful of rows in observation space."""
    rng = np.random.default_rng(5)
    jacobian, weights = drawn(prior, 2), rng.uniform(0.0, 1.0, (3, arkit.COUNT))
    rows = rows_of(prior, jacobian, weights, spread=0.05, noise=0.01)
    size = prior.mean.size
    flat = prior.factors.reshape(len(prior.factors), -1).astype(np.float64)
    weights_prior = flat.T @ flat + np.diag(np.square(prior.spread.reshape(-1).astype(np.float64)))
    design = np.concatenate([np.kron(np.eye(prior.observations), w[None]) for w in weights])
    label = prior.mean.astype(np.float64) * 0.05
    noise = np.kron(np.eye(3), prior.noise + label @ label.T)
    gain = weights_prior @ design.T @ np.linalg.inv(design @ weights_prior @ design.T + noise)
    mean = prior.mean.reshape(-1).astype(np.float64)
    expected = mean + gain @ (rows.observation.reshape(-1) - design @ mean)
    found = adapt(prior, rows, "prompts")
    np.testing.assert_allclose(found.mean.reshape(-1), expected, atol=1e-6)
    assert expected.shape == (size,)


def test_uncertain_labels_move_less(prior):
    weights = np.zeros((1, arkit.COUNT))
    weights[0, 3] = 0.8
    jacobian = drawn(prior, 4)
    sure = adapt(prior, rows_of(prior, jacobian, weights, spread=0.01), "phone")
    unsure = adapt(prior, rows_of(prior, jacobian, weights, spread=0.4), "prompts")
    moved = [np.linalg.norm(each.mean - prior.mean) for each in (sure, unsure)]
    assert moved[1] < 0.8 * moved[0]
    assert np.trace(unsure.uncertainty) > np.trace(sure.uncertainty)


def test_an_unseen_sensor_teaches_nothing_and_its_values_do_not_matter(prior):
    weights = np.random.default_rng(0).uniform(0.0, 1.0, (20, arkit.COUNT))
    jacobian = drawn(prior, 4)
    valid = np.ones((20, prior.observations), dtype=bool)
    valid[:, :3] = False
    rows = rows_of(prior, jacobian, weights, valid=valid)
    rows.observation[:, :3] = np.nan
    found = adapt(prior, rows, "phone")
    rows.observation[:, :3] = 9.0
    np.testing.assert_array_equal(found.mean, adapt(prior, rows, "phone").mean)


def test_rows_of_another_model_or_with_nan_are_refused(prior):
    weights = np.zeros((2, arkit.COUNT))
    with pytest.raises(WearerError, match="channels"):
        adapt(prior, LabelledRows(np.zeros((2, 3)), weights, weights, np.ones((2, 3), dtype=bool)), "phone")
    rows = rows_of(prior, drawn(prior, 1), weights)
    rows.weights[0, 0] = np.nan
    with pytest.raises(WearerError, match="finite"):
        adapt(prior, rows, "phone")
    with pytest.raises(WearerError, match="expected"):
        LabelledRows(np.zeros((2, 3)), weights, weights[:1], np.ones((2, 3), dtype=bool))
