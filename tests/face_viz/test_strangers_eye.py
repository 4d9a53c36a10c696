from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from face_model import arkit
from face_viz.errors import VizError
from face_viz.picture import Painter
from face_viz.strangers_eye import JUDGED, REST, MediaPipeReader, from_folder, look
from imu_sim.head import build_head

MODEL = "IMUSIC_FACE_LANDMARKER"
RECOGNISED = 21
"""Of the shapes of the package's own head, drawn without OpenGL: one less than when this was measured."""


class Clerk:
    """Reads what is written in the first pixels: the shape's number, which it always mistakes if it is odd."""

    def read(self, picture: Image.Image) -> dict[str, float] | None:
        number = picture.getpixel((0, 0))[0]
        if number == 200:
            return None
        scores = dict.fromkeys(arkit.BLENDSHAPES, 0.0)
        scores["browInnerUp"] = 0.5
        if number < arkit.COUNT and number % 2 == 0:
            scores[arkit.BLENDSHAPES[number]] += 0.4
        elif number < arkit.COUNT:
            scores |= {"tongueOut": 0.3, "eyeWideLeft": 0.2}
        return scores


def painted(weights: np.ndarray) -> Image.Image:
    shape = np.flatnonzero(weights)
    number = int(shape[0]) if len(shape) else 100
    return Image.new("RGB", (4, 4), (200 if number == arkit.INDEX["jawOpen"] else number, 0, 0))


def test_what_a_reader_sees_is_ranked_against_rest() -> None:
    seen = look(painted, Clerk())
    assert len(seen.verdicts) == len(JUDGED) == 34
    assert seen.stares == {"browInnerUp": 0.5}
    by_name = {verdict.shape: verdict for verdict in seen.verdicts}
    assert by_name["jawOpen"].rank == 0
    assert not by_name["jawOpen"].recognised
    even = [name for name in JUDGED if arkit.INDEX[name] % 2 == 0]
    assert all(by_name[name].recognised and by_name[name].change == pytest.approx(0.4) for name in even)
    assert seen.recognised == len(even)


def test_a_face_that_is_not_found_at_rest_is_an_error() -> None:
    class Blind:
        def read(self, picture: Image.Image) -> None:
            return None

    with pytest.raises(VizError, match="find the face at rest"):
        look(painted, Blind())


def test_pictures_of_another_program_are_read_and_missing_ones_named(tmp_path: Path) -> None:
    with pytest.raises(VizError, match="missing"):
        from_folder(tmp_path)
    for number, name in enumerate((REST, *JUDGED)):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / f"{name}.png")
    draw = from_folder(tmp_path)
    weights = np.zeros(arkit.COUNT, np.float32)
    assert draw(weights).getpixel((0, 0)) == (0, 0, 0)
    weights[arkit.INDEX[JUDGED[4]]] = 1.0
    assert draw(weights).getpixel((0, 0)) == (5, 0, 0)


def test_the_reader_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(VizError, match=r"pip install mediapipe|face_landmarker\.task"):
        MediaPipeReader(tmp_path / "none.task")


def test_a_stranger_recognises_the_drawn_shapes() -> None:
    pytest.importorskip("mediapipe", reason="no mediapipe; pip install mediapipe")
    if MODEL not in os.environ:
        pytest.skip(f"no model of the face landmarker; set {MODEL} to its file face_landmarker.task")
    reader = MediaPipeReader(Path(os.environ[MODEL]))
    seen = look(Painter(build_head(), 400).paint, reader)
    reader.close()
    assert seen.recognised >= RECOGNISED
    assert max(seen.rest.values()) < 0.2, seen.stares
