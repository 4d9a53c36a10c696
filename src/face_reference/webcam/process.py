"""The webcam's process, `python -m face_reference.webcam.process`: camera or video in, a line for each picture out.

Of its own, since MediaPipe and OpenCV take 300 MB and a core, may crash on a driver, and must not be imported where a
node runs. Pictures never leave it and are not kept.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from face_reference.errors import SourceError
from face_reference.head_frames import from_camera_matrix
from face_reference.webcam.landmarker import found_model, weights_of
from face_reference.webcam.pipe import Picture, line_of

CURE = "pip install mediapipe, which brings OpenCV; into the Python that runs this"

_MOST_FAILURES = 50
"""Pictures in a row that a camera does not give before it counts as gone."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until the camera ends, the reader is gone, or SIGTERM.

    Returns:
        0 at the end of a video or when told to end, 2 where something is missing; the reason is printed.
    """
    parser = argparse.ArgumentParser(prog="face_reference.webcam", description=__doc__)
    parser.add_argument("--camera", default="0", help="number or device of a camera, or a video file")
    parser.add_argument("--model", default="", help="face_landmarker.task")
    parser.add_argument("--fd", type=int, default=1, help="descriptor to write to")
    parser.add_argument("--loop", action="store_true", help="begin a video file again at its end")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal's group: the one who started us ends us
    try:
        _watch(arguments.camera, found_model(arguments.model), arguments.fd, arguments.loop)
    except BrokenPipeError:
        return 0
    except SourceError as error:
        print(f"webcam: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 2
    return 0


def _watch(camera: str, model: Path, descriptor: int, loop: bool) -> None:
    try:
        import cv2
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise SourceError(f"expected MediaPipe and OpenCV, found no {error.name}: {CURE}") from error
    capture, interval_s = _opened(cv2, camera)
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
        num_faces=1,
    )
    began_s, number, failures = time.monotonic(), 0, 0
    last_ms = -1
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        while True:
            there, bgr = capture.read()
            taken_s = time.monotonic()
            if not there:
                if interval_s is not None:  # a video
                    if not loop or number == 0:
                        return
                    capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                    there, bgr = capture.read()
                failures += 1
                if failures > _MOST_FAILURES:
                    raise SourceError(f"expected pictures from camera {camera}, found none any more; plug it in again")
                if not there:
                    time.sleep(0.02)
                    continue
            failures = 0
            if interval_s is not None:
                # A file is played at its own pace; a picture's time is when it is shown.
                due_s = began_s + number * interval_s
                time.sleep(max(0.0, due_s - taken_s))
                taken_s = due_s
            number += 1
            # The landmarker wants times that increase, in whole milliseconds.
            last_ms = max(last_ms + 1, round(1e3 * (taken_s - began_s)))
            image = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
            )
            os.write(descriptor, line_of(_picture(landmarker.detect_for_video(image, last_ms), number, taken_s)))


def _opened(cv2: Any, camera: str) -> tuple[Any, float | None]:
    """The camera, or the video file and the time between its pictures."""
    file = Path(camera).expanduser()
    if file.is_file():
        capture = cv2.VideoCapture(str(file))
        rate_hz = float(capture.get(cv2.CAP_PROP_FPS) or 0.0)
        if not capture.isOpened() or not 1.0 <= rate_hz <= 1000.0:
            raise SourceError(f"expected a video that OpenCV can read at {file}, found none; give another file")
        return capture, 1.0 / rate_hz
    capture = cv2.VideoCapture(int(camera) if camera.isdecimal() else camera)
    if not capture.isOpened():
        raise SourceError(
            f"expected a camera {camera} or a video file, found none that opens; see /dev/video*, close what uses it, "
            "and be in the group video"
        )
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not the one from half a second ago
    return capture, None


def _picture(found: Any, number: int, taken_s: float) -> Picture:
    if not found.face_blendshapes:
        return Picture(number, taken_s, None, None)
    weights = weights_of((score.category_name, float(score.score)) for score in found.face_blendshapes[0])
    head = None
    if found.facial_transformation_matrixes:
        head = from_camera_matrix(np.asarray(found.facial_transformation_matrixes[0])[:3, :3])
    return Picture(number, taken_s, weights, head)


if __name__ == "__main__":
    sys.exit(main())
