from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.heading_filter import HeadingFilter
from face_model import rotation

RATE_HZ = 100.0
IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


def nodding(seconds, drift_rad, mounting_rad, seed=0, speed=0.5, noise=0.02):
    """A head that nods and tilts; two sensors whose headings drift linearly to `drift_rad` (2,)."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = [np.sin(2 * np.pi * f * t + rng.uniform(0, 6.3)) for f in rng.uniform(0.2, 0.6, 3)]
    skull = speed * np.stack(wave, axis=-1)
    up = np.broadcast_to([0.0, 0.0, 1.0], skull.shape)
    drift = np.outer(t / t[-1], drift_rad)
    # Carried over by its orientation, a board's rate is turned by what has to be taken back and by how it was glued.
    skin = rotation.rotate(about(-(drift + mounting_rad)), np.repeat(skull[:, None], 2, axis=1))
    skin = skin + rng.normal(0.0, noise, skin.shape)
    valid = np.ones((len(t), 2), dtype=bool)
    # The orientations say that the boards turn away from the neutral by the drift.
    relative = about(-drift)
    rate = rotation.rotate(rotation.conjugate(relative), skin)
    return (relative, rate, skull, up, np.full(drift.shape, np.cos(0.2)), valid), drift


def with_skull(skin, skull):
    """(N, K, c) of the skin and (N, c) or (c,) of the skull -> (N, K + 1, c)."""
    return np.concatenate([np.broadcast_to(skull, skin[:, 0].shape)[:, None], skin], axis=1)


def about(angle):
    """(..., K) rad about the vertical -> (..., K, 4)."""
    vector = np.zeros((*angle.shape, 3))
    vector[..., 2] = angle
    return rotation.from_vector(vector)


def follow(heading, relative, rate, skull, up, upright, valid):
    """(N, K) drift found at each sample; `relative` is what the orientations say."""
    found, row = np.empty(valid.shape), 0
    while row < len(valid):
        rows = slice(row, min(row + heading.remaining, len(valid)))
        found[rows] = drift = heading.drift
        # As the features do: the mounting is turned, and the heading with it.
        turn = about(np.broadcast_to(heading.turn, relative[rows].shape[:2]))
        head = rotation.multiply(
            about(drift + heading.turn), rotation.multiply(relative[rows], rotation.conjugate(turn))
        )
        turned = with_skull(rotation.rotate(turn, rate[rows]), skull[rows])
        heading.add(with_skull(head, IDENTITY), turned, upright[rows], valid[rows])
        row = rows.stop
    return found


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(-0.25, 0.25), st.floats(-0.25, 0.25))
def test_drift_is_followed_while_the_head_moves(seed, first, second):
    signals, drift = nodding(300.0, np.array([first, second]), np.array([0.15, -0.1]), seed)
    error = follow(HeadingFilter(2, RATE_HZ), *signals) - drift
    assert np.degrees(np.abs(error[-3000:])).max() < 4.0
    assert np.degrees(np.sqrt(np.mean(error[-3000:] ** 2))) < 2.5


def test_a_crooked_mounting_is_not_taken_for_drift():
    signals, _ = nodding(60.0, np.zeros(2), np.array([0.3, -0.3]))
    heading = HeadingFilter(2, RATE_HZ)
    assert np.degrees(np.abs(follow(heading, *signals))).max() < 1.5
    assert np.degrees(np.abs(heading.turn - [0.3, -0.3])).max() < 2.0
    assert np.degrees(heading.deviation_rad).max() < 2.5


def test_a_mounting_that_is_known_is_hardly_turned():
    signals, _ = nodding(10.0, np.zeros(2), np.array([0.3, -0.3]))
    heading = HeadingFilter(2, RATE_HZ)
    heading.state = heading.fresh(np.array([0.001, 0.25]))
    follow(heading, *signals)
    assert abs(heading.turn[0]) < 0.02 < 0.2 < -heading.turn[1]


def test_features_follow_the_mounting_slowly():
    signals, _ = nodding(4.0, np.zeros(2), np.array([0.3, -0.3]), speed=2.0)
    heading = HeadingFilter(2, RATE_HZ)
    turns = []
    for row in range(400):
        follow(heading, *(s[row : row + 1] for s in signals))
        turns.append(heading.turn)
    assert np.abs(turns[-1]).min() > 0.25
    assert np.abs(np.diff(turns, axis=0)).max() < 0.06


def held(seconds, turned_rad, tilted_rad):
    """A still head, one of whose two boards is turned about the vertical and tilted by an expression."""
    signals, _ = nodding(seconds, np.zeros(2), np.zeros(2), speed=0.0, noise=0.0)
    relative, rate, skull, up, upright, valid = signals
    turned = about(np.tile([turned_rad, 0.0], (len(relative), 1)))
    return turned, rate, skull, up, np.tile([np.cos(tilted_rad), 1.0], (len(upright), 1)), valid


def test_an_expression_is_left_to_the_face():
    found = follow(HeadingFilter(2, RATE_HZ), *held(10.0, 0.1, 0.3))
    assert np.abs(found).max() < 0.02


def test_what_no_expression_explains_is_doubted_and_then_taken_back():
    heading = HeadingFilter(2, RATE_HZ)
    follow(heading, *held(60.0, 0.0, 0.01))
    known = heading.deviation_rad[1]
    leapt = held(4.0, 0.7, 0.01)
    deviation = []
    for row in range(400):
        follow(heading, *(s[row : row + 1] for s in leapt))
        deviation.append(heading.deviation_rad[1])
    assert np.max(deviation, axis=0)[0] > np.radians(5.0) > known[0]
    follow(heading, *held(20.0, 0.7, 0.01))
    assert abs(heading.drift[0] + 0.7) < 0.02, "the board's heading is off by the other sign of what is taken back"
    assert abs(heading.drift[1]) < 0.001
    assert heading.deviation_rad[1, 0] < np.radians(2.0)


def faces(rng, seconds, share):
    """(N, 2) tilts of two boards and how far a face turns them about the vertical: new expressions all the time."""
    count, each = round(seconds / 10.0), 1000
    tilt = np.repeat(np.abs(rng.normal(0.0, 0.12, (count, 2))), each, axis=0)
    return tilt, tilt * np.repeat(share + rng.normal(0.0, 0.25, (count, 2)), each, axis=0)


def test_what_it_claims_is_so():
    """Drift and habits of a face drawn as the filter believes: the errors are as large as it says."""
    squared = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        seconds = 120.0
        signals, drift = nodding(seconds, rng.normal(0.0, 0.4, 2), rng.normal(0.0, 0.2, 2), seed)
        tilt, turned = faces(rng, seconds, rng.normal(0.0, 0.25, 2))
        relative, rate, skull, up, _, valid = signals
        # The skin's rate is told in its own axes, which the expression turns.
        shown = rotation.multiply(relative, about(turned))
        rate = rotation.rotate(about(-turned), rate)
        heading = HeadingFilter(2, RATE_HZ)
        half = len(valid) // 2
        for part in (slice(0, half), slice(half, None)):
            found = follow(heading, *(s[part] for s in (shown, rate, skull, up, np.cos(tilt), valid)))
            squared.append(np.square((found[-1] - drift[part][-1]) / heading.deviation_rad[1]))
        assert np.degrees(heading.deviation_rad[1]).max() < 3.0
    assert 0.1 < np.mean(squared) < 2.0


def test_a_face_at_rest_tells_the_drift_without_a_head_that_moves():
    moved = nodding(300.0, np.array([0.2, -0.2]), np.zeros(2), speed=0.01, noise=0.001)
    (*signals, _, valid), drift = moved
    found = follow(HeadingFilter(2, RATE_HZ), *signals, np.full(drift.shape, np.cos(0.005)), valid)
    assert np.degrees(np.abs(found - drift)[-3000:]).max() < 2.0


def test_rates_of_a_sensor_that_moves_by_itself_say_nothing_and_a_missing_one_is_not_looked_at():
    signals, _ = nodding(30.0, np.array([0.2, 0.2]), np.zeros(2))
    signals[1][:, 0] += [0.0, 0.0, 3.0]
    signals[5][:, 1] = False
    heading = HeadingFilter(2, RATE_HZ)
    found = follow(heading, *signals)
    assert not heading.turn.any()
    assert not found[:, 1].any()


def test_drift_changes_only_where_a_block_ends():
    signals, _ = nodding(2.0, np.array([0.2, 0.1]), np.zeros(2))
    heading = HeadingFilter(2, RATE_HZ)
    relative, rate, skull, _, upright, valid = (x[:10] for x in signals)
    block = with_skull(relative, IDENTITY), with_skull(rate, skull), upright, valid
    before = heading.drift.copy()
    assert not heading.add(*(x[:9] for x in block))
    assert heading.remaining == 1
    np.testing.assert_array_equal(heading.drift, before)
    assert heading.add(*(x[9:] for x in block))
    assert heading.remaining == 10


@pytest.mark.parametrize("cut", [1, 7, 1234])
def test_any_split_gives_the_same(cut):
    signals, _ = nodding(20.0, np.array([0.2, 0.1]), np.array([0.1, 0.0]))
    whole = follow(HeadingFilter(2, RATE_HZ), *signals)
    parts = HeadingFilter(2, RATE_HZ)
    first = follow(parts, *(s[:cut] for s in signals))
    other = HeadingFilter(2, RATE_HZ)
    other.state = parts.state
    np.testing.assert_allclose(np.concatenate([first, follow(other, *(s[cut:] for s in signals))]), whole, atol=1e-12)
