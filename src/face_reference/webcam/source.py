"""A webcam as a source: starts its process, reads its lines, starts it again where it died."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

from face_reference.errors import SourceError
from face_reference.frame import ReferenceFrame
from face_reference.names import printable
from face_reference.webcam.landmarker import SEEN, found_model
from face_reference.webcam.pipe import MOST_BYTES, Picture, picture_of

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
_END_PATIENCE_S: Final = 2.0


class WebcamSource:
    """MediaPipe's weights of a webcam or a video file.

    Args:
        camera: number or device of a camera, or a video file, which is repeated.
        model: of the face landmarker; empty: where it is looked for, see `landmarker.default_model`.
        command: that is started; another one in tests.
    """

    def __init__(self, camera: str = "0", model: str = "", command: tuple[str, ...] = ()) -> None:
        self.rejected: Counter[str] = Counter()
        self._camera, self._model = camera, model
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._rest = self._heard = b""
        self._said = ""
        self._again_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._opened = False

    @property
    def description(self) -> str:
        """Which camera."""
        return f"mediapipe {printable(self._camera)}"

    @property
    def problem(self) -> str:
        """Why nothing comes: what the process said when it ended."""
        return "" if self._child is not None else self._said or "the webcam's process does not run"

    def open(self) -> None:
        """Start the process.

        Raises:
            SourceError: the model is missing, or the process cannot be started.
        """
        self.close()
        self._pause_s = FIRST_PAUSE_S
        self._start()
        self._opened = True

    def read(self, timeout_s: float) -> list[ReferenceFrame]:
        """Pictures that have come."""
        if self._child is None:
            self._revive(timeout_s)
            return []
        self._hear()
        ready, _, _ = select.select([self._pipe], [], [], timeout_s)
        if not ready:
            return []
        data = os.read(self._pipe, 1 << 16)
        arrival_s = time.monotonic()
        if not data:
            self._ended()
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MOST_BYTES:
            self.rejected["line too long"] += 1
            self._rest = b""
        frames = []
        for line in lines:
            try:
                picture = picture_of(line)
            except (ValueError, KeyError, TypeError, IndexError):
                self.rejected["no picture"] += 1
                continue
            frames.append(self._frame(picture, arrival_s))
        if frames:
            self._pause_s = FIRST_PAUSE_S
        return frames

    def _frame(self, picture: Picture, arrival_s: float) -> ReferenceFrame:
        bare = ReferenceFrame(
            self.description, arrival_s, picture.number, picture.taken_s, taken_s=picture.taken_s, head=picture.head
        )
        if picture.weights is None:
            return bare
        return replace(bare, face_seen=True, weights=picture.weights, seen=SEEN.copy())

    def close(self) -> None:
        """End the process."""
        self._opened = False
        child, self._child = self._child, None
        if child is not None:
            child.terminate()
            try:
                child.wait(_END_PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._release(child)

    def _start(self) -> None:
        if not self._command:
            found_model(self._model)
        reading, writing = os.pipe()
        command = [*(self._command or self._usual()), "--fd", str(writing)]
        folder = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(writing,),
                env={**os.environ, "PYTHONPATH": path, "GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "2"},
            )
        except OSError as error:
            os.close(reading)
            raise SourceError(f"the webcam's process cannot be started: {error}; check {command[0]}") from error
        finally:
            os.close(writing)
        assert child.stderr is not None
        os.set_blocking(child.stderr.fileno(), False)
        self._child, self._pipe, self._rest, self._heard = child, reading, b"", b""

    def _usual(self) -> list[str]:
        module = "face_reference.webcam.process"
        return [sys.executable, "-m", module, "--camera", self._camera, "--model", self._model, "--loop"]

    def _hear(self, child: subprocess.Popen[bytes] | None = None) -> None:
        """Keep the end of what the process prints, so that it never waits for somebody to read it."""
        child = child or self._child
        if child is None or child.stderr is None:
            return
        while data := child.stderr.read(4096):
            self._heard = (self._heard + data)[-4096:]

    def _ended(self) -> None:
        child, self._child = self._child, None
        assert child is not None
        try:
            status = child.wait(_END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            status = child.wait()
        self._hear(child)
        said = self._heard.decode("utf-8", "replace").strip().splitlines()
        told = next((line.removeprefix("webcam: ") for line in reversed(said) if line.startswith("webcam: ")), "")
        self._said = (
            told or f"the webcam's process ended (exit status {status}): {said[-1] if said else 'it said nothing'}"
        )
        self._release(child)
        self._again_s = time.monotonic() + self._pause_s
        self._pause_s = min(2.0 * self._pause_s, LONGEST_PAUSE_S)

    def _revive(self, timeout_s: float) -> None:
        left_s = self._again_s - time.monotonic()
        if not self._opened or left_s > 0.0:
            time.sleep(min(timeout_s, max(left_s, 0.0)) if self._opened else timeout_s)
            return
        try:
            self._start()
        except SourceError as error:
            self._said = str(error)
            self._again_s = time.monotonic() + self._pause_s
            self._pause_s = min(2.0 * self._pause_s, LONGEST_PAUSE_S)

    def _release(self, child: subprocess.Popen[bytes] | None) -> None:
        if child is not None and child.stderr is not None:
            child.stderr.close()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
