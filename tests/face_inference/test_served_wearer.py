"""What a served wearer says of its layout."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import SensorLayout, SensorMount

from face_inference.served_wearer import ServedWearer

pytestmark = pytest.mark.ros


def test_a_layout_is_told_when_it_changes_only() -> None:
    told: list[str] = []
    wearer: Any = ServedWearer.__new__(ServedWearer)
    wearer.tracker = SimpleNamespace(set_layout=lambda _: None, missing_sensors=())
    wearer._log = SimpleNamespace(info=told.append)
    wearer._layout_told = ""
    first = SensorLayout(name="face_1", layout_id=7, rate=100.0, sensors=[SensorMount(name="chin")])
    other = SensorLayout(name="face_1", layout_id=8, rate=200.0, sensors=[SensorMount(name="chin")])
    for layout in (first, first, other, other):
        wearer._use_layout(layout)
    assert told == ["layout face_1 of 1 sensors at 100 Hz", "layout face_1 of 1 sensors at 200 Hz"]
