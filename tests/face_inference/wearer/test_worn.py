from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.wearer.adapt import (
    adapt,
    adapt_to_motion,
    beside_surroundings,
    completed,
    own_noise,
    posterior,
    posterior_mean,
)
from face_inference.wearer.evidence import Evidence, LabelledRows, evidence_of
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.worn import LEAST_OBSERVATIONS, ObservationDensity, learn_worn
from face_model import arkit


def somebody(prior, seed):
    rng = np.random.default_rng(seed)
    shared = np.tensordot(rng.normal(size=len(prior.factors)), prior.factors, 1)
    return prior.mean + shared + prior.spread * rng.normal(size=prior.spread.shape)


def motion(prior, jacobian, count, seed, noise=None):
    """Faces that are likely ones, and what boards see of them."""
    rng = np.random.default_rng(seed)
    weights = rng.multivariate_normal(prior.weights_mean, prior.weights_covariance, count).clip(0.0, 1.0)
    covariance = prior.noise if noise is None else noise
    return weights, weights @ jacobian.T + rng.multivariate_normal(np.zeros(len(jacobian)), covariance, count)


def everything(prior):
    return np.ones(prior.observations, dtype=bool)


def rows_of(weights, observed, valid=None):
    valid = np.ones(observed.shape, dtype=bool) if valid is None else valid
    return LabelledRows(observed, weights, np.zeros(weights.shape), valid)


def test_wear_makes_fresh_motion_of_this_wearer_more_likely(prior):
    worn_better = 0
    for seed in range(4):
        jacobian = somebody(prior, seed)
        _, observed = motion(prior, jacobian, 900, seed)
        _, fresh = motion(prior, jacobian, 300, 100 + seed)
        unknown = prior.unknown_wearer
        found = learn_worn(prior, unknown, observed, everything(prior), rounds=3)
        before, after = (ObservationDensity(prior, k, everything(prior))(fresh).mean() for k in (unknown, found))
        worn_better += after > before
    assert worn_better == 4


def test_labels_are_not_forgotten_by_wear(prior):
    jacobian = somebody(prior, 1)
    known = adapt(prior, rows_of(*motion(prior, jacobian, 400, 1)), "prompts")
    _, observed = motion(prior, jacobian, 600, 2)
    found = learn_worn(prior, known, observed, everything(prior), rounds=2)
    off = [np.abs(mean - jacobian).mean() for mean in (prior.mean, known.mean, found.mean)]
    assert off[2] < 0.5 * off[0]
    assert found.evidence is known.evidence
    assert found.source == known.source
    np.linalg.cholesky(found.noise)


def test_too_little_wear_changes_nothing(prior):
    known = prior.unknown_wearer
    observed = np.zeros((LEAST_OBSERVATIONS - 1, prior.observations))
    assert learn_worn(prior, known, observed, everything(prior)) is known
    assert learn_worn(prior, known, np.zeros((999, prior.observations)), ~everything(prior)) is known


def test_a_dead_sensor_teaches_nothing_of_itself(prior):
    jacobian, valid = somebody(prior, 3), everything(prior)
    valid[3:6] = False
    _, observed = motion(prior, jacobian, 600, 3)
    observed[:, ~valid] = 7.0
    found = learn_worn(prior, prior.unknown_wearer, observed, valid, rounds=2)
    other = observed.copy()
    other[:, ~valid] = -3.0
    np.testing.assert_array_equal(found.mean, learn_worn(prior, prior.unknown_wearer, other, valid, rounds=2).mean)
    assert np.isfinite(found.mean).all()
    np.linalg.cholesky(found.noise)


def test_likelihood_is_that_of_the_textbook(prior):
    from scipy.stats import multivariate_normal

    known, seen = prior.unknown_wearer, everything(prior)
    seen[0:3] = False
    _, observed = motion(prior, known.mean, 5, 1)
    covariance = known.mean @ prior.weights_covariance @ known.mean.T + prior.noise + known.uncertainty
    at = known.mean @ prior.weights_mean
    expected = multivariate_normal(at[seen], covariance[np.ix_(seen, seen)]).logpdf(observed[:, seen])
    np.testing.assert_allclose(ObservationDensity(prior, known, seen)(observed), expected, rtol=1e-6)


def test_motion_beside_a_phone_tells_the_wearers_own_residuals(prior):
    jacobian = somebody(prior, 5)
    own = np.diag(np.where(np.arange(prior.observations) < 6, 16.0, 0.25)) * prior.noise[0, 0]
    weights, observed = motion(prior, jacobian, 1500, 5, own)
    found = adapt_to_motion(prior, rows_of(weights, observed))
    assert found.source == "phone"
    told = np.diag(found.noise)
    assert told[:6].min() > 4.0 * told[6:].max()
    fresh, seen = motion(prior, jacobian, 400, 6, own)
    errors = [
        np.abs(LinearEstimate(prior, known).weights(seen.astype("f4"), everything(prior))[0] - fresh).mean()
        for known in (adapt(prior, rows_of(weights, observed), "phone"), found)
    ]
    assert errors[1] < errors[0]


def test_rows_in_which_the_camera_was_wrong_count_little(prior):
    jacobian = somebody(prior, 5)
    weights, observed = motion(prior, jacobian, 900, 5)
    right = adapt_to_motion(prior, rows_of(weights, observed))
    wrong = weights.copy()
    for start in range(50, 900, 200):
        wrong[start : start + 30] = 1.0 - wrong[start : start + 30]
    misled = adapt_to_motion(prior, rows_of(wrong, observed))
    believed = posterior(prior, evidence_of(prior, rows_of(wrong, observed), prior.noise, 0.3)).mean
    apart = [np.abs(mean - right.mean).mean() for mean in (misled.mean, believed)]
    assert apart[0] < 0.5 * apart[1]


def test_what_wanders_slowly_is_not_learned_from(prior):
    jacobian = somebody(prior, 5)
    weights, observed = motion(prior, jacobian, 900, 5)
    slow = np.linspace(0.0, 0.4, 900)[:, None] * np.ones(arkit.COUNT)
    still, wandering = (adapt_to_motion(prior, rows_of(w, observed)).mean for w in (weights, weights + slow))
    assert np.abs(wandering - still).mean() < 0.1 * np.abs(still - prior.mean).mean()
    shifted = adapt_to_motion(prior, rows_of(weights + 0.3, observed - 0.2))
    np.testing.assert_allclose(shifted.mean, still, atol=1e-6)


def test_surroundings_are_those_of_the_textbook_window(prior):
    weights, observed = motion(prior, prior.mean, 30, 1)
    valid = np.ones(observed.shape, dtype=bool)
    valid[10:20, 2] = False
    found = beside_surroundings(rows_of(weights, observed, valid), 4)
    np.testing.assert_allclose(found.weights[15], weights[15] - weights[11:20].mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.weights[1], weights[1] - weights[:6].mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.observation[8, 2], observed[8, 2] - observed[4:10, 2].mean(), atol=1e-12)
    assert (found.observation[10:20, 2] == 0.0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_residuals_stay_a_covariance_whatever_is_missing(prior, seed, missing):
    rng = np.random.default_rng(seed)
    valid = everything(prior)
    valid[rng.choice(prior.observations, missing, replace=False)] = False
    left = rng.normal(size=(40, int(valid.sum()))) * 0.02
    whole = completed(prior.noise.astype(float), left.T @ left, 40.0, valid)
    np.testing.assert_allclose(whole, whole.T, atol=1e-12)
    assert np.linalg.eigvalsh(whole).min() > -1e-9
    rows = LabelledRows(
        np.zeros((150, prior.observations)),
        np.zeros((150, arkit.COUNT)),
        np.zeros((150, arkit.COUNT)),
        np.tile(valid, (150, 1)),
    )
    np.linalg.cholesky(own_noise(prior.noise, rows, prior.mean))


def test_few_rows_leave_everybodys_residuals(prior):
    rows = rows_of(np.zeros((20, arkit.COUNT)), np.ones((20, prior.observations)))
    np.testing.assert_array_equal(own_noise(prior.noise, rows, prior.mean), prior.noise)


def test_evidence_adds_up(prior):
    first, second = (rows_of(*motion(prior, somebody(prior, 1), 50, seed)) for seed in (1, 2))
    both = rows_of(*(np.concatenate([getattr(r, n) for r in (first, second)]) for n in ("weights", "observation")))
    apart = evidence_of(prior, first, prior.noise) + evidence_of(prior, second, prior.noise)
    np.testing.assert_allclose(
        posterior(prior, apart).mean, posterior(prior, evidence_of(prior, both, prior.noise)).mean, atol=1e-9
    )
    np.testing.assert_allclose(posterior_mean(prior, apart), posterior(prior, apart).mean, atol=1e-9)
    np.testing.assert_allclose(posterior(prior, Evidence.nothing(prior.observations)).mean, prior.mean, atol=1e-12)


def test_rows_that_repeat_each_other_count_less(prior):
    rows = rows_of(*motion(prior, somebody(prior, 1), 200, 1))
    whole, tenth = (posterior(prior, evidence_of(prior, rows, prior.noise, share)) for share in (1.0, 0.1))
    assert np.trace(tenth.covariance) > np.trace(whole.covariance)
    assert np.abs(tenth.mean - prior.mean).sum() < np.abs(whole.mean - prior.mean).sum()
