"""Layout files: the shipped one, and a clear message for each way a file can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from face_model.errors import LayoutError
from face_model.layout import load_layout

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "layouts" / "face_12.yaml"

SKULL = {"position_m": [0.0, 0.07, -0.03], "orientation": [0.0, 0.0, 0.0, 1.0]}
REFERENCE: dict[str, Any] = {
    "id": 0, "name": "skull", "muscle": "none", "side": "left", "reference": True, "skull": SKULL,
}  # fmt: skip
CHEEK: dict[str, Any] = {"id": 1, "name": "cheek", "muscle": "zygomaticus major", "side": "left", "place": [1.0, -0.5]}


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "layout.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_shipped_layout_has_eleven_on_the_skin_and_one_on_the_skull() -> None:
    layout = load_layout(SHIPPED)
    assert len(layout.sensors) == 12
    assert len(layout.skin_indices) == 11
    assert layout.sensors[layout.reference_index].skull is not None
    assert [sensor.id for sensor in layout.sensors] == sorted(sensor.id for sensor in layout.sensors)


def test_shipped_layout_is_symmetric() -> None:
    layout = load_layout(SHIPPED)
    places = {sensor.name: sensor.place for sensor in layout.sensors if sensor.place is not None}
    for name, place in places.items():
        if name.endswith("_left"):
            assert places[name.removesuffix("left") + "right"] == (-place[0], place[1])


def test_sensors_are_ordered_by_id_and_quaternions_normalised(tmp_path: Path) -> None:
    skull = {**SKULL, "orientation": [0.0, 0.0, 0.7072, 0.7070]}
    layout = load_layout(write(tmp_path, {"name": "two", "sensors": [CHEEK, {**REFERENCE, "skull": skull}]}))
    assert layout.names == ("skull", "cheek")
    assert layout.name == "two"
    pose = layout.sensors[0].skull
    assert pose is not None
    assert sum(v * v for v in pose.orientation) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["not a mapping"], "expected a mapping of keys to values"),
        ({"sensors": {}}, "sensors: expected a list"),
        ({"sensors": [{"id": 0}]}, r"sensors\.0\.name: expected a value, found none; add this key"),
        ({"sensors": ["cheek"]}, r"sensors\.0: expected a mapping of keys to values, found 'cheek'"),
        ({"sensors": [REFERENCE, {**CHEEK, "id": "first"}]}, r"sensors\.1\.id: expected a whole number, found 'first'"),
        ({"sensors": [REFERENCE, {**CHEEK, "place": [1.0]}]}, r"sensors\.1\.place: expected a longer list"),
        (
            {"sensors": [REFERENCE, {**CHEEK, "side": "top"}]},
            r"side: expected 'left', 'right' or 'midline', found 'top'",
        ),
        ({"sensors": [REFERENCE, {**CHEEK, "place": None}]}, "exactly one of `place` and `skull`"),
        ({"sensors": [REFERENCE, {**CHEEK, "skull": SKULL}]}, "exactly one of `place` and `skull`"),
        ({"sensors": [REFERENCE, {**CHEEK, "id": 0}]}, "every sensor id once, found 0 more than once"),
        ({"sensors": [REFERENCE, {**CHEEK, "name": "skull"}]}, "every sensor name once, found skull"),
        ({"sensors": [CHEEK]}, "exactly one reference sensor"),
        ({"sensors": [{**REFERENCE, "muscel": "x"}]}, r"muscel: expected a known key, .*did you mean muscle\?"),
        ({"sensors": [REFERENCE, {**REFERENCE, "id": 5, "name": "other"}]}, "exactly one reference sensor"),
        ({"sensors": [{**CHEEK, "reference": True}]}, "exactly one reference sensor"),
        ({"sensors": [{**REFERENCE, "skull": {**SKULL, "orientation": [1.0, 1.0, 0.0, 0.0]}}]}, "unit quaternion"),
        ({"sensors": [{**REFERENCE, "skull": {**SKULL, "orientation": [1.0, 0.0, 0.0]}}]}, "expected a longer list"),
    ],
)
def test_wrong_content_is_refused_with_the_file_and_the_reason(tmp_path: Path, content: object, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(LayoutError, match=message) as caught:
        load_layout(path)
    assert str(path) in str(caught.value)


def test_broken_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("sensors: [", encoding="utf-8")
    with pytest.raises(LayoutError, match="expected YAML"):
        load_layout(path)


def test_missing_file_lists_the_shipped_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "share" / "imusic"
    (share / "config" / "layouts").mkdir(parents=True)
    (share / "package.xml").touch()
    (share / "config" / "layouts" / "face_99.yaml").touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    with pytest.raises(LayoutError, match="face_99"):
        load_layout("nowhere")
    with pytest.raises(LayoutError, match="found no file"):
        load_layout(tmp_path / "absent.yaml")
