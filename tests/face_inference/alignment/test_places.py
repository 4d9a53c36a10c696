from __future__ import annotations

import numpy as np
import pytest

from face_inference.alignment.places import examine, response_likelihoods
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.model_folder import load_model
from face_inference.neutral import Neutral
from face_inference.wearer.evidence import LabelledRows
from face_model import rotation, routine


@pytest.fixture(scope="module")
def shipped():
    return load_model("imusic").description


def aligned(mount):
    count = len(mount)
    return SensorAlignment(mount, np.ones(count, bool), np.full(count, 0.03), np.full(count, 0.05))


def exchanged(mounts, *names):
    order = np.arange(len(mounts.names))
    at = [mounts.names.index(name) for name in names]
    order[at] = np.roll(at, -1)
    return order


def glued(mounts, seed):
    error = np.random.default_rng(seed).normal(0.0, 0.08, (len(mounts.names), 3))
    return rotation.multiply(mounts.orientation, rotation.from_vector(error))


@pytest.mark.parametrize("seed", range(5))
def test_sensors_at_their_places_are_let_be(shipped, seed):
    assert examine(shipped.mounts, aligned(glued(shipped.mounts, seed))).message == ""


@pytest.mark.parametrize("muscle", ["zygomaticus", "buccinator", "orbicularis"])
def test_left_and_right_are_told_by_the_mounting(shipped, muscle):
    mounts = shipped.mounts
    order = exchanged(mounts, f"{muscle}_left", f"{muscle}_right")
    found = examine(mounts, aligned(glued(mounts, 1)[order]))
    assert found.message == f"left and right {muscle} are exchanged"
    assert set(found.exchanged) == {f"{muscle}_left", f"{muscle}_right"}
    assert not found.misplaced


def test_a_board_glued_on_its_side_is_misplaced(shipped):
    mount = glued(shipped.mounts, 1)
    unit = shipped.mounts.names.index("mentalis")
    mount[unit] = rotation.multiply(mount[unit], rotation.from_vector(np.array([0.0, 0.0, 1.5])))
    found = examine(shipped.mounts, aligned(mount))
    assert found.misplaced == ("mentalis",)
    assert "mentalis sits unlike any at that place" in found.message


def answers(prior, seed):
    """Rows of the prompts of somebody from the prior."""
    rng = np.random.default_rng(seed)
    jacobian = prior.mean + np.tensordot(rng.normal(0.0, 1.0, len(prior.factors)), prior.factors, 1)
    jacobian = jacobian + rng.normal(0.0, 1.0, jacobian.shape) * prior.spread
    weights = 0.75 * routine.nominal_weights()
    observed = weights @ jacobian.T + rng.multivariate_normal(np.zeros(len(jacobian)), prior.noise, len(weights))
    return observed, LabelledRows(observed, weights, np.hypot(0.15 * weights, 0.05), np.ones(observed.shape, bool))


def shuffled(rows, order, skin):
    by_sensor = rows.observation.reshape(len(rows.weights), -1, 3)
    places = [skin.index(order[unit]) for unit in skin]
    return LabelledRows(by_sensor[:, places].reshape(rows.observation.shape), rows.weights, rows.spread, rows.valid)


@pytest.mark.parametrize(
    "names",
    [(), ("zygomaticus_left", "buccinator_left"), ("frontalis_left", "levator_left", "mentalis"),
     ("levator_left", "levator_right")],
)  # fmt: skip
def test_neighbours_are_told_by_their_answers_to_the_prompts(shipped, names):
    mounts, prior = shipped.mounts, shipped.prior
    order = exchanged(mounts, *names) if names else np.arange(len(mounts.names))
    _, rows = answers(prior, 3)
    mount = glued(mounts, 2)[order]
    count = len(mounts.names)
    neutral = Neutral(mount, np.zeros(count), 0.0, np.ones(count, bool), 0.01)
    known = np.ones(count, bool)
    found = examine(
        mounts, aligned(mount), response_likelihoods(prior, shuffled(rows, order, mounts.skin), mounts, neutral, known)
    )
    assert set(found.exchanged) == set(names), found
    assert ("exchanged" in found.message) == bool(names)


def test_prompts_that_were_not_seen_say_nothing(shipped):
    mounts, prior = shipped.mounts, shipped.prior
    _, rows = answers(prior, 3)
    rows.valid[:, 3:6] = False
    count = len(mounts.names)
    neutral = Neutral(mounts.orientation, np.zeros(count), 0.0, np.ones(count, bool), 0.01)
    found = response_likelihoods(prior, rows, mounts, neutral, np.zeros(count, bool))
    assert np.isnan(found[mounts.skin[1]]).all()
    assert np.isfinite(found[mounts.skin[0]][list(mounts.skin)]).all()
