from __future__ import annotations

import itertools

import numpy as np

from face_model import arkit
from face_model.observability import OBSERVABLE
from face_model.routine import DURATION_S, REST_S, ROUTINE, nominal_weights, schedule


def test_it_takes_a_minute_at_most_and_begins_with_rest() -> None:
    cues = schedule()
    assert DURATION_S <= 60.0
    assert cues[0].start_s == REST_S
    assert cues[-1].relax_s < DURATION_S
    assert [cue.prompt for cue in cues] == list(ROUTINE)


def test_every_shape_that_sensors_see_is_asked_for() -> None:
    asked = nominal_weights().max(axis=0)
    assert not [arkit.BLENDSHAPES[i] for i in OBSERVABLE if asked[i] == 0.0]


def test_prompts_are_distinct_and_say_what_to_do() -> None:
    assert len({prompt.name for prompt in ROUTINE}) == len({prompt.text for prompt in ROUTINE}) == len(ROUTINE)
    weights = nominal_weights()
    assert weights.shape == (len(ROUTINE), arkit.COUNT)
    assert 0.0 <= weights.min() <= weights.max() <= 1.0
    assert np.linalg.matrix_rank(weights) == len(ROUTINE)
    for prompt, row in zip(ROUTINE, weights, strict=True):
        assert prompt.text.endswith(".")
        assert {arkit.BLENDSHAPES[i]: row[i] for i in np.flatnonzero(row)} == dict(prompt.weights)


def test_what_is_asked_of_one_side_is_asked_of_the_other() -> None:
    weights = nominal_weights()
    rows = {tuple(row) for row in weights}
    assert all(tuple(row[list(arkit.MIRROR)]) in rows for row in weights)


def test_windows_are_in_order_and_apart() -> None:
    cues = schedule()
    for cue in cues:
        assert cue.rest_s[0] < cue.rest_s[1] < cue.hold_s[0] < cue.hold_s[1]
        assert cue.start_s + 0.8 < cue.hold_s[0] < cue.relax_s
    for before, after in itertools.pairwise(cues):
        assert before.hold_s[1] < after.rest_s[0]
        assert before.relax_s < after.start_s
