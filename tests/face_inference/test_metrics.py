from __future__ import annotations

import json
import math

import numpy as np
import pytest

from face_inference.errors import EvaluationError
from face_inference.evaluation import Evaluation, mean_score, moving_part, score_take
from face_inference.metrics import (
    compare_weights,
    confidence_metrics,
    correlations,
    jitter_ratio,
    lag_s,
    surface_metrics,
)
from face_model import arkit, observability
from face_model.rig import LANDMARKS, FaceRig

JAW = arkit.INDEX["jawOpen"]


def sine(frequency_hz=0.7, count=1000, rate_hz=100.0):
    weights = np.zeros((count, 52), dtype=np.float32)
    t = np.arange(count) / rate_hz
    weights[:] = (0.5 + 0.4 * np.sin(2 * np.pi * frequency_hz * t))[:, None]
    return weights


def test_a_perfect_estimate(recorded):
    truth = sine()
    metrics = compare_weights(truth, truth, 100.0)
    assert metrics.mae == 0.0
    assert metrics.r_observable == pytest.approx(1.0)
    assert metrics.lag_s == 0.0
    assert metrics.jitter_ratio == pytest.approx(1.0)


def test_mae_of_a_constant_offset_and_of_hidden_shapes_alone():
    truth = sine()
    assert compare_weights(truth, truth + np.float32(0.1), 100.0).mae == pytest.approx(0.1, abs=1e-6)
    hidden = [i for i in range(52) if i not in observability.OBSERVABLE]
    estimate = truth.copy()
    estimate[:, hidden] += 0.52
    metrics = compare_weights(truth, estimate, 100.0)
    assert metrics.mae_observable == 0.0
    assert metrics.mae == pytest.approx(0.52 * len(hidden) / 52, abs=1e-6)


def test_correlation_is_signed_skips_still_shapes_and_is_zero_for_a_constant_estimate():
    truth, estimate = sine(), sine()
    truth[:, JAW] = 0.3
    estimate[:, 0] = 1.0 - estimate[:, 0]
    estimate[:, 1] = 0.2
    r = correlations(truth, estimate)
    assert "jawOpen" not in r
    assert r[arkit.BLENDSHAPES[0]] == pytest.approx(-1.0)
    assert r[arkit.BLENDSHAPES[1]] == 0.0


@pytest.mark.parametrize("shift", [-7, 0, 5])
def test_lag_of_a_shifted_estimate(shift):
    truth = np.random.default_rng(0).normal(size=(600, 52))
    assert lag_s(truth, np.roll(truth, shift, axis=0), 100.0) == pytest.approx(shift / 100.0)


def test_jitter_ratio_of_a_scaled_estimate():
    truth = np.random.default_rng(0).normal(size=(100, 52))
    assert jitter_ratio(truth, 0.5 * truth) == pytest.approx(0.5)
    assert math.isnan(jitter_ratio(np.zeros((10, 52)), truth[:10]))


def test_honest_and_boastful_confidence():
    rng = np.random.default_rng(0)
    truth = np.zeros((4000, 52))
    estimate = np.where(rng.random(truth.shape) < 0.7, 0.0, 0.5)
    honest = confidence_metrics(truth, estimate, np.full(truth.shape, 0.7))
    assert honest.calibration_error < 0.01
    boastful = confidence_metrics(truth, estimate, np.full(truth.shape, 0.95))
    assert boastful.calibration_error == pytest.approx(0.25, abs=0.01)
    assert boastful.share_within == pytest.approx(0.7, abs=0.01)


def small_rig():
    deltas = np.zeros((52, 4, 3), dtype=np.float32)
    deltas[JAW, 0] = [0.0, 0.0, -0.01]
    return FaceRig(
        name="four points",
        neutral=np.zeros((4, 3), dtype=np.float32),
        triangles=np.zeros((0, 3), dtype=np.int32),
        deltas=deltas,
        colors=np.zeros((4, 3), dtype=np.uint8),
        parts={"skin": slice(0, 2)},
        landmarks=dict.fromkeys(LANDMARKS, 0),
        lip_vertices=np.array([0], dtype=np.int32),
    )


def test_millimetres_on_a_rig_of_four_points():
    truth = np.zeros((10, 52), dtype=np.float32)
    estimate = truth.copy()
    estimate[:, JAW] = 0.5  # 5 mm at the lip, half of that over two skin vertices
    metrics = surface_metrics(truth, estimate, small_rig())
    assert metrics.lip_mm == pytest.approx(5.0, abs=1e-4)
    assert metrics.face_mm == pytest.approx(2.5, abs=1e-4)


def test_people_count_alike_whatever_the_length_of_their_takes():
    long, short = sine(count=1000), sine(count=100)
    a = score_take(long, long, np.ones_like(long), 100.0, small_rig())
    b = score_take(short, short + np.float32(0.2), np.ones_like(short), 100.0, small_rig())
    overall = mean_score([a, b])
    assert overall.mae == pytest.approx(0.1, abs=1e-6)
    assert overall.seconds == pytest.approx(11.0)
    content = json.loads(Evaluation(overall, {"a": a, "b": b}).to_json())
    assert content["people"]["b"]["mae"] == pytest.approx(0.2, abs=1e-6)
    assert {"mae", "mae_observable", "r_observable", "face_mm", "lip_mm", "rest_mae"} <= set(content)


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


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(EvaluationError, match="expected two arrays"):
        compare_weights(np.zeros((5, 52)), np.zeros((4, 52)), 100.0)
