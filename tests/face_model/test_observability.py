"""The table of what units can see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from face_model import arkit, observability
from face_model.errors import FaceModelError
from face_model.observability import CLEARLY, PARTLY, TABLE, read_table, visibility_class, write_table


def test_gaze_lid_retraction_and_tongue_are_hidden() -> None:
    hidden = {name for i, name in enumerate(arkit.BLENDSHAPES) if i not in observability.OBSERVABLE}
    assert {name for name in arkit.BLENDSHAPES if name.startswith(("eyeLook", "eyeWide", "tongue"))} <= hidden
    assert "eyeBlinkLeft" not in hidden
    assert "jawOpen" not in hidden


def test_each_hidden_shape_has_a_measured_confidence_below_one() -> None:
    hidden = {arkit.BLENDSHAPES[i] for i in observability.HIDDEN}
    assert observability.WITHIN_OF_HIDDEN.keys() == hidden
    assert all(0.0 < share < 0.995 for share in observability.WITHIN_OF_HIDDEN.values())


@pytest.mark.parametrize(
    "text", ["", "shape,within\njawOpen,1.0\n", "shape,within\nnose,0.5\n", "shape,within\njawOpen,x\n"]
)
def test_what_is_no_table_of_hidden_shapes_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hidden.csv"
    path.write_text(text, encoding="utf-8")
    if text:
        with pytest.raises(FaceModelError):
            observability.read_hidden(path)
    else:
        assert observability.read_hidden(path) == {}


def test_classes_follow_the_ratio() -> None:
    assert [visibility_class(r) for r in (0.0, PARTLY - 0.1, PARTLY, CLEARLY)] == ["not", "not", "partly", "clearly"]


def test_written_table_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    changed = (replace(TABLE[0], ratio=12.3, sensor="somewhere"), *TABLE[1:])
    write_table(changed, path, "how it was measured")
    assert path.read_text(encoding="utf-8").startswith("# how it was measured\n")
    again = read_table(path)
    assert again[0].ratio == pytest.approx(12.3)
    assert again[0].sensor == "somewhere"
    assert [row.shape for row in again] == list(arkit.BLENDSHAPES)


@pytest.mark.parametrize("text", ["", "shape,sensor\n", "\xff", "shape,sensor,tilt_deg\njawOpen,mentalis,much\n"])
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FaceModelError, match=r"expected"):
        read_table(path)


def test_absent_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaceModelError, match=r"expected a table"):
        read_table(tmp_path / "none.csv")
