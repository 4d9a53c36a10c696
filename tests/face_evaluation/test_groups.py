from __future__ import annotations

import json
import math

import numpy as np
import pytest

from face_evaluation import Evaluation, grouped, mean_score, moving_part, score_take, take_result
from face_evaluation.groups import plain
from face_inference.errors import InferenceError
from face_model import observability


def weights(count=400, seed=0):
    return np.random.default_rng(seed).random((count, 52)).astype(np.float32)


def result(person, geometry, offset, count=400):
    truth = weights(count)
    confidence = np.full_like(truth, 0.5)
    named = {"person": person, "geometry": geometry, "take": f"{person}@{geometry}"}
    return take_result(truth, truth + np.float32(offset), confidence, 100.0, **named)


def test_people_count_alike_whatever_the_length_of_their_takes():
    long, short = weights(1000), weights(100)
    a = score_take(long, long, np.ones_like(long), 100.0)
    b = score_take(short, short + np.float32(0.2), np.ones_like(short), 100.0)
    overall = mean_score([a, b])
    assert overall.mae == pytest.approx(0.1, abs=1e-6)
    assert overall.seconds == pytest.approx(11.0)


def test_groups_by_person_geometry_and_shape():
    results = [result("ann", "head", 0.0), result("ann", "other", 0.2), result("bob", "head", 0.3)]
    evaluation = grouped(results)
    assert evaluation.people["ann"].mae == pytest.approx(0.1, abs=1e-6)
    assert evaluation.overall.mae == pytest.approx(0.2, abs=1e-6)
    assert evaluation.geometries["head"].mae == pytest.approx(0.15, abs=1e-6)
    assert evaluation.geometries["other"].mae == pytest.approx(0.2, abs=1e-6)
    assert evaluation.shapes["jawOpen"].mae == pytest.approx(0.2, abs=1e-6)
    assert evaluation.shapes["jawOpen"].r == pytest.approx(1.0)
    assert sum(b.count for b in evaluation.reliability) == 3 * 400 * len(observability.OBSERVABLE)
    assert set(evaluation.takes) == {"ann@head", "ann@other", "bob@head"}
    content = json.loads(evaluation.to_json())
    assert content["people"]["bob"]["mae"] == pytest.approx(0.3, abs=1e-6)
    assert {"mae", "r_observable", "coverage_80", "geometries", "shapes", "reliability", "takes"} <= set(content)


def test_an_estimate_without_confidence_has_no_numbers_on_it():
    truth = weights()
    rest = take_result(truth, np.zeros_like(truth), None, 100.0, person="ann")
    assert rest.score.mae == pytest.approx(rest.score.rest_mae)
    assert math.isnan(rest.score.coverage_80)
    assert grouped([rest]).reliability == ()


def test_rest_before_and_after_earns_no_credit():
    truth = np.zeros((10, 52))
    assert moving_part(truth) == slice(0, 10)
    truth[3, 5], truth[7, 9], truth[9, 0] = 0.5, 0.02, 0.005
    assert moving_part(truth) == slice(3, 8)


def test_json_has_no_nan():
    still = np.zeros((10, 52), dtype=np.float32)
    score = score_take(still, still, still, 100.0)
    assert math.isnan(score.r_observable)
    assert json.loads(Evaluation(score, {}).to_json())["r_observable"] is None
    assert plain({"a": (math.nan, 1.0)}) == {"a": [None, 1.0]}


def test_nothing_to_evaluate_is_refused():
    with pytest.raises(InferenceError, match="at least one take"):
        grouped([])
