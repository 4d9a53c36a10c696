"""Faces of a simulated hub that runs beside, and of hubs that are not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from face_capture import NoSamplesError, SourceError, open_capture
from face_model.face_state import FaceState
from imu_driver.hub import ConnectionState


def test_what_was_live_is_the_same_from_its_recording(tmp_path: Path) -> None:
    path = tmp_path / "live.bytes"
    with open_capture("simulated", record=path, silence_s=60.0) as capture:
        live = list(islice(capture, 400))
        assert capture.diagnostics.connection is ConnectionState.CONNECTED
        child, dropped = capture._source.simulator, capture.diagnostics.dropped
    assert child is not None
    assert child._child.returncode is not None
    assert not child.port.exists()
    assert dropped == 0
    with open_capture(f"recorded:{path}") as capture:
        again = {face.sequence: face for face in capture}
    fresh = [face for face in live if face.state is not FaceState.STALE]
    assert {FaceState.CALIBRATING, FaceState.TRACKING} <= {face.state for face in fresh}
    for face in fresh:
        assert face.latency_s > 0.0
        assert face.weights.array.tobytes() == again[face.sequence].weights.array.tobytes()
        assert face.confidence.array.tobytes() == again[face.sequence].confidence.array.tobytes()


def test_a_simulated_hub_ends_and_cleans_up_when_its_parent_is_killed() -> None:
    code = """
from face_capture import open_capture
capture = open_capture("simulated")
next(capture)
simulator = capture._source.simulator
print(simulator._child.pid, simulator.port.parent, flush=True)
input()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    assert Path(folder).is_dir()
    parent.kill()
    parent.wait()
    wait_until(lambda: not Path(folder).exists() and not Path("/proc", pid, "cmdline").exists(), "the hub to end")


def wait_until(done: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + 120.0
    while not done():
        assert time.monotonic() < end_s, f"waited for {what}"
        time.sleep(0.05)


def test_a_simulation_that_cannot_start_says_why() -> None:
    with open_capture("simulated:no_such_file.csv") as capture, pytest.raises(SourceError, match=r"no_such_file\.csv"):
        next(capture)


def test_nobody_waits_for_ever_for_a_hub_that_is_not_there(tmp_path: Path) -> None:
    with open_capture(str(tmp_path / "no_port"), connect_s=0.1) as capture:
        for _ in range(2):  # who asks again waits again
            with pytest.raises(NoSamplesError, match="no_port"):
                next(capture)
        with pytest.raises(TimeoutError):
            capture.newest()


def test_a_hub_that_falls_silent_makes_faces_stale_and_then_an_error() -> None:
    with open_capture("simulated", silence_s=1.0) as capture:
        assert next(capture).state is FaceState.CALIBRATING
        simulator = capture._source.simulator
        assert simulator is not None
        simulator._child.send_signal(signal.SIGSTOP)  # it neither speaks nor ends
        states: set[FaceState] = set()
        with pytest.raises(NoSamplesError, match="within 1 s"):
            states.update(face.state for face in capture)
        assert FaceState.STALE in states
        simulator._child.send_signal(signal.SIGCONT)
        assert next(capture) is not None
