"""Somebody else's estimator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_evaluation.contest import hold_contest
from face_evaluation.entrants import EntrantSpec, class_of, entrant_of, estimates, reference_of, takes_part
from face_evaluation.signals import Calibration, Labelled, Signals
from face_evaluation.sources import Simulated
from face_evaluation.trials import TAKES, Contestant, Trial
from face_inference.errors import InferenceError
from imu_sim.generator import generate
from imusic_cli.errors import CommandError

EXAMPLE = f"{Path(__file__).resolve().parents[2] / 'examples' / 'own_estimator.py'}:PlainMap"


def test_the_example_learns_from_labels_and_enters():
    spec = EntrantSpec("class", EXAMPLE)
    entrant = entrant_of(spec)
    loaded = Simulated(generate(5, 20.0), "head", 900_000, 100.0).load()
    take = Signals.of(loaded.recording, reference_of(spec))
    truth = loaded.recording.weights
    seen = Labelled(take, np.arange(len(truth)) / 100.0, truth, True)
    assert takes_part(entrant, Calibration())
    known = [entrant.learn(Calibration()), entrant.learn(Calibration("phone", labelled=seen))]
    (rest, no_confidence), (weights, _) = estimates(entrant, take, known)
    assert no_confidence is None
    assert not rest.any()
    # What was learned from is no test; that it was learned is.
    assert np.abs(weights - truth).mean() < 0.6 * np.abs(truth).mean()
    source = Simulated(generate(6, 8.0), "head", 900_000, 100.0)
    findings = hold_contest([Trial(TAKES, "", source)], [Contestant(spec, "PlainMap", "neutral")])
    assert findings.contest["PlainMap, neutral"].overall.r_observable == 0.0


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("PlainMap", "MODULE:CLASS"),
        ("no.such.module:Class", "no.such"),
        ("no_such_file.py:Class", "no_such_file.py"),
        ("json:Decoder", "no such class"),
        ("json:JSONDecoder", "none of learn"),
        (":", "MODULE:CLASS"),
    ],
)
def test_what_is_no_estimator_is_refused(where: str, found: str):
    with pytest.raises(CommandError, match=found):
        class_of(where)


class Careless:
    def __init__(self, given: object) -> None:
        self.given = given

    def learn(self, calibration: Calibration) -> None:
        pass

    def estimate(self, take: Signals, known: object) -> object:
        return self.given


@pytest.mark.parametrize("given", [np.zeros((3, 52)), np.full((8, 52), np.nan), (np.zeros((8, 52)), np.zeros(8)), None])
def test_numbers_that_are_none_are_refused(given: object):
    take = Signals(
        "t", 100.0, ("skull",), *(np.zeros((8, 1, n)) for n in (4, 3, 3)), np.ones((8, 1), bool), slice(0, 2)
    )
    with pytest.raises(InferenceError, match="Careless"):
        estimates(Careless(given), take, [None])
