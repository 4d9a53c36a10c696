"""Natural motion beside a camera: learned, judged on what was not learned from, refused where there is too little."""

from __future__ import annotations

import numpy as np
import pytest

from face_inference.errors import WearerError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.alignment import Alignment
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.natural import held_out, learn_natural, reading
from face_inference.wearer.phone_rows import PhoneRows


def somebody(prior, seed):
    rng = np.random.default_rng(seed)
    shared = np.tensordot(rng.normal(size=len(prior.factors)), prior.factors, 1)
    return prior.mean + shared + prior.spread * rng.normal(size=prior.spread.shape)


def motion(prior, jacobian, seconds, seed, rest=0.0):
    """What a camera, whose zero is off by `rest`, and the boards see of faces that change twice a second."""
    rng = np.random.default_rng(seed)
    count = int(10 * seconds)
    faces = rng.multivariate_normal(prior.weights_mean, prior.weights_covariance, count // 5 + 1)
    faces[::4] = 0.0
    weights = np.repeat(faces.clip(0.0, 1.0), 5, axis=0)[:count]
    observed = weights @ jacobian.T + rng.multivariate_normal(np.zeros(len(jacobian)), prior.noise, count)
    labels = weights + rest + rng.normal(0.0, 0.02, weights.shape)
    mean, label_mean = observed.mean(axis=0), labels.mean(axis=0)
    rows = LabelledRows(
        observed - mean, labels - label_mean, np.full(labels.shape, 0.04), np.ones(observed.shape, dtype=bool)
    )
    return PhoneRows(rows, Alignment(0.0, 1.0, 2.0), mean, label_mean), weights


def test_motion_teaches_and_says_so_on_parts_not_learned_from(prior):
    jacobian = somebody(prior, 5)
    take, weights = motion(prior, jacobian, 90.0, 5, rest=0.05)
    found = learn_natural(prior, [take], None, prior.unknown_wearer)
    assert found.before == found.unknown
    assert found.after.whole.mae < found.unknown.whole.mae
    assert found.after.whole.r > found.unknown.whole.r + 0.05
    assert found.seconds == pytest.approx(90.0)
    fresh, true = motion(prior, jacobian, 60.0, 77)
    read = reading(prior, found.jacobian, fresh.observation, fresh.rows.valid)
    # What it says of itself is what fresh motion finds, not what its own labels would make one believe.
    assert np.abs(read - true).mean() == pytest.approx(found.after.whole.mae, abs=0.03)
    np.testing.assert_allclose(take.labels, weights, atol=0.15)


def test_two_takes_teach_more_than_one(prior):
    jacobian = somebody(prior, 5)
    first, _ = motion(prior, jacobian, 25.0, 1)
    second, _ = motion(prior, jacobian, 60.0, 2, rest=0.1)
    one, both = learn_natural(prior, [first]), learn_natural(prior, [first, second])
    assert both.seconds == pytest.approx(85.0)
    off = [np.abs(found.jacobian.mean - jacobian).mean() for found in (one, both)]
    assert off[1] < off[0]


def test_prompts_of_the_same_gluing_are_kept_and_those_of_another_left_out(prior):
    jacobian = somebody(prior, 5)
    take, _ = motion(prior, jacobian, 60.0, 5)

    def prompts_of(other):
        poses = np.random.default_rng(3).uniform(0.0, 1.0, (40, prior.mean.shape[1]))
        return LabelledRows(poses @ other.T, poses, np.full(poses.shape, 0.02), np.ones((40, len(other)), dtype=bool))

    fitting = learn_natural(prior, [take], prompts_of(jacobian))
    assert not fitting.foreign_prompts
    foreign = learn_natural(prior, [take], prompts_of(-3.0 * jacobian))
    assert foreign.foreign_prompts
    assert not foreign.strength.prompts
    assert foreign.after.whole.mae < adapt_error(prior, prompts_of(-3.0 * jacobian), take)


def adapt_error(prior, prompts, take):
    known = adapt(prior, prompts, "prompts")
    return np.abs(reading(prior, known, take.observation, take.rows.valid) - take.labels).mean()


def test_what_is_held_out_does_not_teach_how_it_is_read(prior):
    take, _ = motion(prior, somebody(prior, 5), 40.0, 5)
    rows = take.rows
    other = rows.weights.copy()
    other[:80] = other[:80][::-1]
    changed = LabelledRows(rows.observation, other, rows.spread, rows.valid)
    first, second = (held_out(prior, part, take.observation, None, 0.3)[:80] for part in (rows, changed))
    np.testing.assert_array_equal(first, second)


def test_too_little_motion_is_refused(prior):
    take, _ = motion(prior, somebody(prior, 5), 12.0, 5)
    with pytest.raises(WearerError, match="12 s"):
        learn_natural(prior, [take])


def test_a_sensor_that_comes_and_goes_is_read_by_the_others(prior):
    jacobian = somebody(prior, 5)
    take, _ = motion(prior, jacobian, 40.0, 5)
    valid = take.rows.valid.copy()
    valid[::3, :3] = False
    observed = np.where(valid, take.observation, 9.0)
    read = reading(prior, prior.unknown_wearer, observed, valid)
    alone = reading(prior, prior.unknown_wearer, observed[::3], valid[::3])
    np.testing.assert_allclose(read[::3], alone, atol=1e-5)
    assert np.isfinite(read).all()


def test_a_long_rest_teaches_nothing(prior):
    jacobian = somebody(prior, 5)
    take, _ = motion(prior, jacobian, 15.0, 5)
    rows, rest = take.rows, 900
    at_rest = np.tile(-take.label_mean, (rest, 1))
    seen = np.tile(-take.observation_mean, (rest, 1))
    longer = LabelledRows(
        np.concatenate([rows.observation, seen]),
        np.concatenate([rows.weights, at_rest]),
        np.full((len(rows.weights) + rest, rows.weights.shape[1]), 0.04),
        np.ones((len(rows.weights) + rest, len(jacobian)), dtype=bool),
    )
    with pytest.raises(WearerError, match="found 17 s"):
        learn_natural(prior, [PhoneRows(longer, take.alignment, take.observation_mean, take.label_mean)])
