"""Mappings: presets, arithmetic, and files that are wrong in every way people get them wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit
from face_streams.errors import MappingError
from face_streams.face import FacePipeline
from face_streams.mapping import MAPPINGS, FaceMapping, Hidden, WeightMap, WeightRule
from face_streams.regions import INDICES, REGIONS, region_of
from made_up_faces import made_up_face

weights = st.lists(st.floats(0.0, 1.2), min_size=arkit.COUNT, max_size=arkit.COUNT).map(np.array)
bounded = st.floats(-2.0, 2.0)


def test_every_weight_is_in_one_region() -> None:
    assert sorted(i for region in REGIONS for i in INDICES[region]) == list(range(arkit.COUNT))
    assert [region_of(name) for name in ("eyeLookInLeft", "eyeBlinkLeft", "noseSneerLeft", "mouthClose")] == [
        "gaze",
        "eyes",
        "cheeks",
        "mouth",
    ]


@pytest.mark.parametrize("name", ["plain", "vtuber", "metahuman"])
def test_presets_load_and_stay_within_bounds(name: str) -> None:
    assert name in MAPPINGS.names()
    pipeline = FacePipeline(MAPPINGS.load(name))
    rng = np.random.default_rng(0)
    for i in range(50):
        raw = made_up_face(time_s=1000.0 + 0.016 * i, **dict(zip(arkit.BLENDSHAPES, rng.random(52), strict=True)))
        made = pipeline(raw)
        for values in (made.weights, made.extra):
            assert np.isfinite(values).all()
            assert (values >= 0.0).all()
            assert (values <= 1.0).all()


@given(weights=weights)
def test_plain_changes_nothing_but_clamps(weights: np.ndarray) -> None:
    found = WeightMap(MAPPINGS.load("plain")).weights(weights)
    np.testing.assert_allclose(found, np.clip(weights, 0.0, 1.0))


@given(weights=weights, gain=bounded, offset=bounded, low=st.floats(0.0, 0.4), high=st.floats(0.5, 1.0))
def test_a_rule_is_what_it_says(weights: np.ndarray, gain: float, offset: float, low: float, high: float) -> None:
    rule = WeightRule({"jawOpen": 0.5, "mouthClose": -1.0}, gain, offset, low, high)
    found = WeightMap(FaceMapping({"jawForward": rule})).weights(weights)
    made = 0.5 * weights[arkit.INDEX["jawOpen"]] - weights[arkit.INDEX["mouthClose"]]
    assert found[arkit.INDEX["jawForward"]] == pytest.approx(min(max(gain * made + offset, low), high))


@given(weights=weights)
def test_a_mirror_twice_is_none(weights: np.ndarray) -> None:
    mirror = WeightMap(FaceMapping(mirror=True))
    once = mirror.weights(weights)
    assert once[arkit.INDEX["mouthSmileLeft"]] == min(weights[arkit.INDEX["mouthSmileRight"]], 1.0)
    np.testing.assert_allclose(mirror.weights(once), np.clip(weights, 0.0, 1.0))


def test_a_name_without_its_side_is_both() -> None:
    rules = {"mouthSmile": WeightRule({"mouthSmile": 1.0, "cheekSquint": 0.5, "jawOpen": 0.1})}
    raw = made_up_face(mouthSmileLeft=0.2, cheekSquintRight=0.4, jawOpen=1.0).weights
    found = WeightMap(FaceMapping(rules)).weights(raw)
    assert found[arkit.INDEX["mouthSmileLeft"]] == pytest.approx(0.3)
    assert found[arkit.INDEX["mouthSmileRight"]] == pytest.approx(0.3)


def test_what_cannot_be_seen_is_hidden_as_asked() -> None:
    raw = made_up_face(eyeLookUpLeft=0.5, tongueOut=0.5, jawOpen=0.5)
    gaze, tongue, jaw = (arkit.INDEX[name] for name in ("eyeLookUpLeft", "tongueOut", "jawOpen"))
    assert FacePipeline(FaceMapping())(raw).weights[[gaze, tongue, jaw]].tolist() == [0.0, 0.0, 0.5]
    kept = FacePipeline(FaceMapping(hidden=Hidden("keep", "keep")))(raw).weights
    assert kept[[gaze, tongue, jaw]].tolist() == [0.5, 0.5, 0.5]


def test_the_head_is_scaled_mirrored_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("head: {gain: 0.5}\nmirror: true\n")
    raw = made_up_face()
    assert raw.head is not None
    found = FacePipeline(MAPPINGS.load(path))(raw).head
    assert found is not None
    assert np.sign(found).tolist() == (np.sign(raw.head) * [-1.0, 1.0, -1.0, 1.0]).tolist()
    assert np.arccos(found[3]) == pytest.approx(0.5 * np.arccos(raw.head[3]))
    path.write_text("head: {send: false}\n")
    assert FacePipeline(MAPPINGS.load(path))(raw).head is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("weights: {jawOpne: {gain: 2}}", "did you mean jawOpen"),
        ("weights: {jawOpen: {gian: 2}}", "did you mean gain"),
        ("weights: {jawOpen: {gain: big}}", "expected a number"),
        ("weights: {jawOpen: {gain: 1000}}", "expected at most 100"),
        ("weights: {jawOpen: {minimum: 0.5, maximum: 0.1}}", "exchange them"),
        ("weights: {jawOpen: {of: {mouthSmile: 1}}}", "expected ARKit blendshapes, found 'mouthSmile'"),
        ("weights: {mouthSmile: {gain: 2}, mouthSmileLeft: {gain: 1}}", "expected one rule for mouthSmileLeft"),
        ("smoothing: {eyebrows: {minimum_cutoff_hz: 1}}", "did you mean brows"),
        ("smoothing: {brows: {minimum_cutoff_hz: 0}}", "expected 0.01 to 1000"),
        ("hidden: {gaze: hide}", "hidden.gaze"),
        ("extra: {A: {jaw: 1}}", "extra.A: expected ARKit blendshapes"),
        ("gain: 2", "expected a known key"),
        ("- a list", "expected a mapping"),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(MappingError, match=told) as error:
        MAPPINGS.load(path)
    assert str(path) in str(error.value)


def test_a_preset_that_is_none() -> None:
    with pytest.raises(MappingError, match="did you mean vtuber"):
        MAPPINGS.load("vtubers")
