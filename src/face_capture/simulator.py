"""The laboratory's simulated hub as a child process on a pseudo-terminal, ended with whoever started it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from face_capture.errors import SourceError

HUB_PROCESS = "imu_sim.hub.process"
"""Module of the laboratory that is a simulated hub."""

MOTION = "routine"
"""What is simulated unless something else is asked for: a person who does the guided routine, again and again.

Unlike the demo's performance it says nothing, and so needs no dictionary.
"""

END_PATIENCE_S = 5.0
"""The hub ends within milliseconds; what is left after this is killed."""


class SimulatedHubProcess:
    """A simulated hub that runs until `close`.

    Args:
        motion: what its face plays: `routine`, `performance`, `say:TEXT` or the path of a Live Link Face CSV.
        layout: sensors, by name or path.

    Attributes:
        port: to open as a serial port; it is there a second or two after the start.

    Raises:
        SourceError: the laboratory is not installed, or the process cannot be started.
    """

    def __init__(self, motion: str = "", layout: str = "face_12") -> None:
        if importlib.util.find_spec(HUB_PROCESS.partition(".")[0]) is None:
            raise SourceError(
                "expected the laboratory's package imu_sim for a simulated hub, found none; install the package again"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="imusic_hub_", ignore_cleanup_errors=True)
        self.port = Path(self._folder.name) / "port"
        self._said = Path(self._folder.name) / "said"
        options = ["--link", str(self.port), "--motion", motion or MOTION, "--layout", layout]
        paths = os.pathsep.join(path for path in sys.path if path)
        try:
            with self._said.open("wb") as said:
                self._child = subprocess.Popen(
                    [sys.executable, "-c", f"from {__name__} import run_hub; run_hub()", self._folder.name, *options],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    env={**os.environ, "PYTHONPATH": paths},
                    start_new_session=True,  # a Ctrl-C is for the parent, which ends this
                )
        except OSError as error:
            self._folder.cleanup()
            raise SourceError(f"expected to start a simulated hub, found {error}; see {sys.executable}") from error

    @property
    def problem(self) -> str:
        """Why it has ended by itself; empty while it runs."""
        if self._child.poll() is None:
            return ""
        lines = self._said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"the simulated hub ended with exit status {self._child.returncode}"

    def close(self) -> None:
        """End it; may be called twice."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            self._child.wait(END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._folder.cleanup()


def run_hub() -> None:
    """Be the child: the laboratory's hub, found by name, until standard input closes.

    It does so when the parent ends, however that ends; then the folder, the first argument, is removed here.
    """
    folder, parent_ended = sys.argv.pop(1), threading.Event()
    hub = importlib.import_module(HUB_PROCESS)
    threading.Thread(target=_end_with_standard_input, args=(parent_ended,), daemon=True).start()
    status = hub.program()
    if parent_ended.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


def _end_with_standard_input(ended: threading.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock this thread would hold when Python ends
        pass
    ended.set()
    os.kill(os.getpid(), signal.SIGTERM)
