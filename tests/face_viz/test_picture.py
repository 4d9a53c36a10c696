from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face_model import arkit
from face_viz.picture import BACKGROUND, VIEWS, Painter, picture
from face_viz.sheets import combinations_sheet, random_combination, shapes_sheet, weights_of
from imu_sim.head import build_head


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(build_head(), 120)


def pixels(painter: Painter, view: str = "front", **shapes: float) -> np.ndarray:
    return np.asarray(painter.paint(weights_of(shapes), view)).astype(int)


def test_a_face_from_the_front_is_alike_left_and_right_but_for_the_light(painter: Painter) -> None:
    image = pixels(painter)
    seen = np.abs(image - BACKGROUND).max(axis=2) > 3
    assert 0.3 < seen.mean() < 0.9
    assert (seen ^ seen[:, ::-1]).mean() < 0.02
    lit = image[:, :60][seen[:, :60]].mean() - image[:, 60:][seen[:, 60:]].mean()
    assert lit > 5, "the key light comes from the viewer's left"


def test_the_wearers_left_is_on_the_viewers_right(painter: Painter) -> None:
    changed = np.abs(pixels(painter, mouthSmileLeft=1.0) - pixels(painter)).max(axis=2) > 12
    assert changed[:, 60:].sum() > 5 * changed[:, :60].sum()


def test_every_view_is_another_and_the_nose_points_to_the_left_in_the_side_view(painter: Painter) -> None:
    views = [pixels(painter, view) for view in VIEWS]
    assert np.abs(views[0] - views[1]).mean() > 5
    assert np.abs(views[1] - views[2]).mean() > 5
    seen = np.abs(views[2] - BACKGROUND).max(axis=2) > 3
    foremost = np.argmax(seen, axis=1)[seen.any(axis=1)]
    assert 40 < int(np.argmin(foremost)) < 90, "the nose is the foremost part, in the middle"


def test_an_open_mouth_is_dark_inside(painter: Painter) -> None:
    closed, opened = (pixels(painter, jawOpen=w).sum(axis=2) for w in (0.0, 1.0))
    assert (opened < 200).sum() > (closed < 200).sum() + 50


def test_correctives_are_drawn() -> None:
    rig = build_head()
    half = weights_of({"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5, "jawOpen": 0.5})
    with_them = np.asarray(picture(rig, half, size=120)).astype(int)
    without = np.asarray(picture(replace(rig, correctives=()), half, size=120)).astype(int)
    assert (np.abs(with_them - without).max(axis=2) > 8).sum() > 20


def test_weights_of_another_shape_are_refused(painter: Painter) -> None:
    with pytest.raises(ValueError, match="expected 52 weights"):
        painter.paint(np.zeros(51))


def test_combinations_are_plausible_and_repeat_by_seed() -> None:
    for seed in range(50):
        stems, weights = random_combination(np.random.default_rng(seed))
        again = random_combination(np.random.default_rng(seed))
        assert stems == again[0]
        np.testing.assert_array_equal(weights, again[1])
        assert weights.min() >= 0.0
        assert weights.max() <= 1.0
        assert weights[arkit.INDEX["mouthClose"]] <= weights[arkit.INDEX["jawOpen"]]


def test_sheets_show_all_shapes(tmp_path: Path) -> None:
    rig = build_head()
    named: list[str] = []
    page = shapes_sheet(rig, named.append, size=24)
    assert named == ["neutral", *arkit.BLENDSHAPES]
    page.save(tmp_path / "shapes.png")
    assert page.width > 3 * 3 * 24
    combinations = combinations_sheet(rig, count=2, progress=named.append)
    assert np.asarray(combinations).std() > 10
