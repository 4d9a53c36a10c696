"""Learning while worn, tick by tick: what is kept, when a round is judged, and that a saved state goes on the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_inference.channels import Channels
from face_inference.wearer import wear_learning, wear_rounds
from face_inference.wearer.adapt import adapt
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.wear_learning import LEAST_UNLABELLED, STILL_OBSERVATIONS, WearLearning
from face_inference.wearer.wear_rounds import FRESH_OBSERVATIONS, loosened
from face_inference.wearer.worn import WORN_HZ, ObservationDensity
from face_model import arkit
from face_model.errors import SnapshotError
from face_model.saved_arrays import SavedArrays, packed

FIRST = LEAST_UNLABELLED + FRESH_OBSERVATIONS


@pytest.fixture(autouse=True)
def without_labels(monkeypatch):
    """Most tests look at what wear alone would teach."""
    monkeypatch.setattr(wear_learning, "WITHOUT_LABELS", True)


def test_without_a_label_nothing_is_learned(prior, channels, monkeypatch):
    monkeypatch.setattr(wear_learning, "WITHOUT_LABELS", False)
    learning = learning_of(prior, channels)
    assert not learning.can_learn
    assert not worn(learning, motion(prior, channels, somebody(prior, 1), FIRST + 50, 1))
    assert learning.fits is None, "there is nothing that could fit"
    assert learning.known is prior.unknown_wearer
    assert (learning.kept, learning.rejected) == (0, 0)


@pytest.fixture
def channels(prior):
    return Channels(prior.observations // 3 + 1, 0)


def somebody(prior, seed):
    rng = np.random.default_rng(seed)
    shared = np.tensordot(rng.normal(size=len(prior.factors)), prior.factors, 1)
    return prior.mean + shared + prior.spread * rng.normal(size=prior.spread.shape)


def motion(prior, channels, jacobian, count, seed):
    """(count, F) features of a face that moves like faces do."""
    rng = np.random.default_rng(seed)
    weights = rng.multivariate_normal(prior.weights_mean, prior.weights_covariance, count).clip(0.0, 1.0)
    seen = weights @ jacobian.T + rng.multivariate_normal(np.zeros(len(jacobian)), prior.noise, count)
    features = np.zeros((count, channels.size), dtype=np.float32)
    features[:, channels.skin_block("rotation")] = seen
    features[:, channels.valid] = 1.0
    return features


def learning_of(prior, channels, known=None, rate_hz=WORN_HZ):
    learning = WearLearning(prior, channels, rate_hz)
    learning.start(known or prior.unknown_wearer)
    learning.enabled = True
    return learning


def worn(learning, features):
    """Numbers of the ticks at which what is known changed."""
    return [number for number, row in enumerate(features) if learning.tick(row) is not None]


def test_a_round_is_judged_so_many_observations_after_it_began(prior, channels):
    learning = learning_of(prior, channels)
    assert worn(learning, motion(prior, channels, somebody(prior, 1), FIRST - 1, 1)) == []
    assert learning.learned is None
    changed = worn(learning, motion(prior, channels, somebody(prior, 1), 1, 2))
    assert changed == [0]
    assert (learning.kept, learning.rejected) == (1, 0)
    assert learning.gain > 0.0
    assert learning.learned is learning.known
    assert learning.worn_s == FIRST / WORN_HZ


def test_rounds_add_up_and_make_fresh_motion_more_likely(prior, channels):
    jacobian = somebody(prior, 2)
    learning = learning_of(prior, channels)
    worn(learning, motion(prior, channels, jacobian, 1200, 1))
    assert learning.kept >= 1
    fresh = motion(prior, channels, jacobian, 300, 2)[:, channels.skin_block("rotation")].astype(float)
    seen = np.ones(prior.observations, dtype=bool)
    before, after = (ObservationDensity(prior, k, seen)(fresh).mean() for k in (prior.unknown_wearer, learning.known))
    assert after > before


def test_what_makes_fresh_observations_less_likely_is_not_taken_over(prior, channels):
    learning = learning_of(prior, channels)
    worn(learning, motion(prior, channels, 0.2 * somebody(prior, 1), LEAST_UNLABELLED, 1))
    # Somebody else puts them on, while it learns.
    assert worn(learning, motion(prior, channels, 3.0 * somebody(prior, 9), FRESH_OBSERVATIONS, 2)) == []
    assert (learning.kept, learning.rejected) == (0, 1)
    assert learning.gain < 0.0
    assert learning.learned is None


def test_every_so_many_ticks_are_looked_at_and_a_still_face_is_not(prior, channels):
    learning = learning_of(prior, channels, rate_hz=20 * WORN_HZ)
    moving = motion(prior, channels, somebody(prior, 1), 200, 1)
    worn(learning, moving)
    assert learning.worn_s == 10 / WORN_HZ
    worn(learning, np.repeat(moving[-1:], 20_000, axis=0))
    assert learning.worn_s <= (10 + STILL_OBSERVATIONS) / WORN_HZ
    worn(learning, moving)
    assert learning.worn_s >= 20 / WORN_HZ


def test_what_is_no_observation_is_left_out(prior, channels):
    learning = learning_of(prior, channels)
    bad = motion(prior, channels, somebody(prior, 1), 40, 1)
    bad[:10, 3] = np.nan
    bad[10:20, 3] = np.inf
    bad[20:30, channels.valid] = 0.0
    worn(learning, bad)
    assert learning.worn_s == 10 / WORN_HZ


def test_what_a_missing_sensor_shows_teaches_nothing(prior, channels):
    found = []
    for nonsense in (1.0, -1.0):
        learning = learning_of(prior, channels)
        features = motion(prior, channels, somebody(prior, 3), FIRST, 1)
        features[:, channels.valid.start + 2] = 0.0
        features[:, 3:6] = nonsense
        worn(learning, features)
        found.append(learning.known.mean)
    np.testing.assert_array_equal(*found)


def test_the_commonest_sensors_are_learned_from(prior, channels, monkeypatch):
    monkeypatch.setattr(wear_learning, "LEAST_UNLABELLED", 150)
    learning = learning_of(prior, channels)
    features = motion(prior, channels, somebody(prior, 3), 250, 1)
    features[20:60, channels.valid.start + 2] = 0.0
    worn(learning, features)
    assert learning.kept + learning.rejected == 0, "too few of one kind as yet"
    worn(learning, motion(prior, channels, somebody(prior, 3), 2 * FRESH_OBSERVATIONS, 2))
    assert learning.kept + learning.rejected > 0


def test_a_new_neutral_keeps_what_is_known_and_forgetting_does_not(prior, channels):
    learning = learning_of(prior, channels)
    worn(learning, motion(prior, channels, somebody(prior, 1), FIRST, 1))
    learned = learning.known
    learning.renew()
    assert learning.known is learned
    assert learning.worn_s == 0.0
    learning.forget()
    assert learning.known is learning.labelled
    assert learning.kept == 0


def test_what_was_asked_for_of_older_observations_is_dropped(prior, channels):
    learning = learning_of(prior, channels)
    worn(learning, motion(prior, channels, somebody(prior, 1), LEAST_UNLABELLED + 5, 1))
    learning.renew()
    assert worn(learning, motion(prior, channels, somebody(prior, 1), FIRST - 1, 2)) == []


def test_it_can_be_switched_off(prior, channels):
    learning = learning_of(prior, channels)
    worn(learning, motion(prior, channels, somebody(prior, 1), FIRST, 1))
    learned = learning.known
    learning.enabled = False
    assert worn(learning, motion(prior, channels, somebody(prior, 1), 2 * FIRST, 2)) == []
    assert learning.known is learned
    assert learning.worn_s == 0.0


def test_labels_whose_evidence_was_not_kept_are_not_learned_over(prior, channels):
    unknown = prior.unknown_wearer
    learning = learning_of(prior, channels, WearerJacobian(unknown.mean, unknown.uncertainty, "prompts"))
    assert not learning.can_learn
    assert worn(learning, motion(prior, channels, somebody(prior, 1), 2 * FIRST, 1)) == []
    assert learning.kept + learning.rejected == 0


def test_memory_is_bounded(prior, channels, monkeypatch):
    monkeypatch.setattr(wear_learning, "MOST_OBSERVATIONS", 200)
    learning = learning_of(prior, channels)
    size = len(packed(learning.saved_state()))
    worn(learning, motion(prior, channels, somebody(prior, 1), 1000, 1))
    full = len(packed(learning.saved_state()))
    worn(learning, motion(prior, channels, somebody(prior, 1), 300, 2))
    assert len(packed(learning.saved_state())) <= full < size + 100_000


def labelled(prior, seed):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.0, 1.0, (40, arkit.COUNT)) * (rng.uniform(size=(40, arkit.COUNT)) < 0.1)
    seen = weights @ somebody(prior, seed).T
    rows = LabelledRows(seen, weights, np.full(weights.shape, 0.05), np.ones(seen.shape, dtype=bool))
    return adapt(prior, rows, "prompts")


def many_labels(prior, jacobian, seed):
    """Of somebody whose response is known well."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.0, 1.0, (300, arkit.COUNT)) * (rng.uniform(size=(300, arkit.COUNT)) < 0.2)
    seen = weights @ jacobian.T
    rows = LabelledRows(seen, weights, np.full(weights.shape, 0.01), np.ones(seen.shape, dtype=bool))
    return adapt(prior, rows, "prompts")


def test_labels_of_another_gluing_are_found_out_and_count_little(prior, channels, monkeypatch):
    monkeypatch.setattr(wear_rounds, "MISFIT", (-1e6, 0.0))  # whatever comes does not fit
    known = many_labels(prior, somebody(prior, 1), 1)
    learning = learning_of(prior, channels, known)
    assert learning.fits is None, "nothing was seen yet"
    changed = worn(learning, motion(prior, channels, 1.5 * somebody(prior, 8), 260, 1))
    assert learning.glued_anew
    assert learning.fits is False
    assert changed[0] < 60 * WORN_HZ, "within a minute"
    loose = loosened(prior, known)
    np.testing.assert_allclose(learning.labelled.mean, loose.mean, atol=1e-5)
    unknown = prior.unknown_wearer
    doubt = [np.trace(k.uncertainty) for k in (known, learning.labelled, unknown)]
    assert doubt[0] < doubt[1] < doubt[2]
    learning.forget()
    assert learning.glued_anew, "what the labels were learned with has not come back"
    learning.start(known)
    assert not learning.glued_anew


def test_labels_of_this_gluing_are_let_be(prior, channels):
    jacobian = somebody(prior, 1)
    learning = learning_of(prior, channels, many_labels(prior, jacobian, 1))
    worn(learning, motion(prior, channels, jacobian, 700, 1))
    assert not learning.glued_anew
    assert learning.fits is True
    assert learning.labelled.source == "prompts"


def test_what_wear_taught_of_another_gluing_is_forgotten(prior, channels):
    learning = learning_of(prior, channels)
    worn(learning, motion(prior, channels, somebody(prior, 1), FIRST + 2 * FRESH_OBSERVATIONS, 1))
    assert learning.learned is not None
    learning.renew()
    worn(learning, motion(prior, channels, somebody(prior, 1), 200, 2))
    assert learning.learned is not None, "it fits"
    learning.renew()
    worn(learning, motion(prior, channels, -2.0 * somebody(prior, 1), 200, 3))
    assert learning.learned is None
    assert not learning.glued_anew


def same(first, second):
    assert packed(first.saved_state()) == packed(second.saved_state())
    assert packed(first.known.saved_state()) == packed(second.known.saved_state())


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 700), labels_of=st.sampled_from((None, 4, 5)))
def test_saved_anywhere_it_goes_on_bit_for_bit(prior, channels, cut, labels_of):
    features = motion(prior, channels, somebody(prior, 4), 700, 1)
    known = None if labels_of is None else many_labels(prior, somebody(prior, labels_of), 4)
    first = learning_of(prior, channels, known)
    worn(first, features[:cut])
    second = WearLearning.from_saved(SavedArrays(first.saved_state()), first.known, prior, channels, WORN_HZ)
    same(first, second)
    assert worn(first, features[cut:]) == worn(second, features[cut:])
    same(first, second)
    first.forget()
    second.forget()
    same(first, second)


def test_damaged_states_are_refused(prior, channels):
    learning = learning_of(prior, channels, labelled(prior, 1))
    worn(learning, motion(prior, channels, somebody(prior, 1), FIRST + 20, 1))
    good = learning.saved_state()
    wrong = {
        "counts": np.array([1, 2, 3, 4, 5, 6, 7]),
        "anchor": np.full(prior.observations, np.nan),
        "values": good["values"][:-1],
        "masks": good["masks"][:-1],
        "gain": np.array(np.nan),
        "labelled.mean": np.zeros((2, 2)),
        "more": np.zeros(1),
    }
    for name, array in wrong.items():
        with pytest.raises(SnapshotError, match=r"expected .*found"):
            WearLearning.from_saved(SavedArrays(good | {name: array}), learning.known, prior, channels, WORN_HZ)


def test_evidence_is_saved_as_it_is_used(prior):
    known = labelled(prior, 2)
    rounded = WearLearning(prior, Channels(prior.observations // 3 + 1, 0), WORN_HZ)
    rounded.start(known)
    evidence = rounded.labelled.evidence
    again = WearerJacobian.from_saved(SavedArrays(rounded.labelled.saved_state()), prior.observations).evidence
    for name in ("inverse_noise", "moment", "cross"):
        np.testing.assert_array_equal(getattr(again, name), getattr(evidence, name))
        np.testing.assert_allclose(getattr(again, name), getattr(known.evidence, name), rtol=1e-6)
    damaged = rounded.labelled.saved_state()
    for name, array in (
        ("evidence.moment_at", damaged["evidence.moment_at"][::-1]),
        ("evidence.inverse_noise", -damaged["evidence.inverse_noise"]),
        ("evidence.cross", np.full_like(damaged["evidence.cross"], np.nan)),
    ):
        with pytest.raises(SnapshotError, match="expected"):
            WearerJacobian.from_saved(SavedArrays(damaged | {name: array}), prior.observations)
