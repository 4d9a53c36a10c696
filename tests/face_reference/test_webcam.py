"""The webcam's process and its source, with a process that needs no camera; MediaPipe itself where it is installed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from face_model import arkit
from face_reference.errors import SourceError
from face_reference.webcam.landmarker import NOT_SEEN, SEEN, default_model, found_model, weights_of
from face_reference.webcam.pipe import Picture, line_of, picture_of
from face_reference.webcam.source import WebcamSource

TALKS = """
import os, sys, time
fd = int(sys.argv[sys.argv.index("--fd") + 1])
weights = ",".join(["0.25"] * 52)
os.write(fd, b"no json\\n")
os.write(fd, b'{"number": 1, "taken_s": %f}\\n' % time.monotonic())
os.write(fd, (b'{"number": 2, "taken_s": %f, "weights": [' % time.monotonic()) + weights.encode() + b']}\\n')
print("webcam: the camera was unplugged", file=sys.stderr)
"""


def test_a_picture_survives_the_pipe() -> None:
    weights = np.linspace(0.0, 1.0, arkit.COUNT).astype(np.float32)
    sent = Picture(7, 123.5, weights, (0.0, 0.6, 0.0, 0.8))
    found = picture_of(line_of(sent).strip())
    assert (found.number, found.taken_s, found.head) == (7, 123.5, sent.head)
    np.testing.assert_allclose(found.weights, weights, atol=1e-5)
    assert picture_of(line_of(Picture(8, 1.0, None, None))).weights is None


@pytest.mark.parametrize("line", [b"", b"[]", b'{"number": 1}', b'{"number": 1, "taken_s": 1, "weights": [1]}'])
def test_what_is_no_picture(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        picture_of(line)


def test_what_mediapipe_does_not_measure_is_masked() -> None:
    assert set(NOT_SEEN) <= set(arkit.BLENDSHAPES)
    assert int(SEEN.sum()) == arkit.COUNT - len(NOT_SEEN)
    weights = weights_of([("_neutral", 1.0), ("jawOpen", 0.5), ("cheekPuff", 0.9), ("eyeBlinkLeft", 1.5)])
    assert weights[arkit.INDEX["jawOpen"]] == 0.5
    assert weights[arkit.INDEX["eyeBlinkLeft"]] == 1.0
    assert weights[arkit.INDEX["cheekPuff"]] == 0.0


def test_a_process_is_read_and_its_end_is_told() -> None:
    source = WebcamSource("0", command=(sys.executable, "-c", TALKS))
    source.open()
    frames = []
    while not source.problem:
        frames += source.read(1.0)
    assert [frame.face_seen for frame in frames] == [False, True]
    assert not frames[0].seen.any()
    np.testing.assert_array_equal(frames[1].seen, SEEN)
    assert frames[1].taken_s <= frames[1].arrival_s
    assert source.problem == "the camera was unplugged"
    assert source.rejected["no picture"] == 1
    source._again_s = time.monotonic()  # it is started again after a pause
    while source.problem:
        source.read(0.1)
    source.close()
    assert source.problem


def test_a_missing_model_is_told_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="curl --create-dirs"):
        found_model(str(tmp_path / "none.task"))
    monkeypatch.setenv("IMUSIC_LANDMARKER", str(tmp_path / "mine.task"))
    assert default_model() == tmp_path / "mine.task"
    with pytest.raises(SourceError, match=r"mine\.task"):
        WebcamSource().open()


def test_missing_libraries_are_told_with_their_cure(tmp_path: Path) -> None:
    model = tmp_path / "face_landmarker.task"
    model.touch()
    (tmp_path / "cv2.py").write_text("raise ModuleNotFoundError(name='cv2')")
    run = subprocess.run(
        [sys.executable, "-m", "face_reference.webcam.process", "--model", str(model)],
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).resolve().parents[2] / 'src'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "pip install mediapipe" in run.stderr
