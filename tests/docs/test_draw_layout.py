"""The picture of the sensor layout shows what the layout file and the skin model say."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from face_model.layout import SensorLayout, load_layout

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_layout", DOCS / "draw_layout.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def layout() -> SensorLayout:
    return load_layout("face_12")


def test_units_stand_where_their_names_say_with_z_out_of_the_skin_and_x_up(
    drawing: ModuleType, layout: SensorLayout
) -> None:
    units = drawing.placed_units(drawing.typical_face(), layout)
    assert [unit.sensor for unit in units] == list(layout.sensors)
    for unit in units:
        assert np.allclose(unit.axes @ unit.axes.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(unit.axes) == pytest.approx(1.0, abs=1e-6)
        sign = {"left": 1.0, "right": -1.0, "midline": 0.0}[unit.sensor.side]
        assert np.sign(np.round(unit.centre[1], 3)) == sign
        x, _y, z = unit.axes
        assert x[2] > 0.7, "up"
        assert z @ unit.centre > 0.0, "away from the middle of the head"


def test_the_board_is_as_large_as_a_face_unit(drawing: ModuleType, layout: SensorLayout) -> None:
    corners = drawing.placed_units(drawing.typical_face(), layout)[1].corners()
    assert np.prod([np.linalg.norm(corners[i + 1] - corners[i]) for i in (0, 1)]) == pytest.approx(0.6e-4)


def test_views_show_the_wearers_left_on_the_viewers_right_and_the_nose_to_the_left(drawing: ModuleType) -> None:
    left, nose = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    assert drawing.View.from_angle(0.0).project(left)[0] == pytest.approx(1.0)
    assert drawing.View.from_angle(90.0).project(nose)[0] == pytest.approx(-1.0)


def test_the_picture_holds_every_muscles_colour_and_is_small(drawing: ModuleType, layout: SensorLayout) -> None:
    png = drawing.draw_layout(layout)
    assert len(png) < 300_000
    pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    for color in (drawing.SKULL_COLOR, *drawing.muscle_colors(layout).values()):
        wanted = np.array(list(bytes.fromhex(color[1:])))
        assert (np.abs(pixels - wanted).max(axis=2) < 12).sum() > 100


def test_a_layout_with_fewer_units_can_be_drawn(
    drawing: ModuleType, layout: SensorLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(layout, name="few", sensors=layout.sensors[:2])
    monkeypatch.setattr(drawing, "load_layout", lambda name: {"few": few}[name])
    assert drawing.main(["few", str(tmp_path / "few.png")]) == 0
    assert (tmp_path / "few.png").read_bytes().startswith(b"\x89PNG")


def test_the_committed_picture_is_of_the_shipped_layout(drawing: ModuleType, layout: SensorLayout) -> None:
    shown, now = (
        np.asarray(Image.open(source).convert("L").resize((160, 80))).astype(float)
        for source in (DOCS / "layout.png", BytesIO(drawing.draw_layout(layout)))
    )
    # A unit that moves by its own width changes some of these pixels by 40 and more; other libraries, by a few.
    assert np.abs(shown - now).max() < 25.0, "run docs/draw_layout.py again"
