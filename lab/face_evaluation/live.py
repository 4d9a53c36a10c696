"""Evaluation through the real processes, in real time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from face_evaluation import Evaluation, TakeResult, grouped, moving_part, take_result
from face_evaluation.listener import listen
from face_evaluation.motions import UNSEEN_SUBJECT
from face_model.faces import HEAD, load_rig
from face_model.rig import FaceRig
from imu_sim.hub.server import played_motion
from imu_sim.kinematics import Trajectory
from imu_sim.motion import FaceMotion
from imusic_cli.errors import CommandError
from imusic_cli.supervisor import Supervisor
from imusic_ros.graph import load_graph

CALIBRATING = 0
"""FaceBlendshapes.STATE_CALIBRATING: no estimate yet."""


def evaluate_live(model_name: str, takes: Sequence[Path], progress: Callable[[str], None]) -> Evaluation:
    """Each take through the real processes: simulated hub, pseudo-terminal, driver, inference, messages.

    The neutral is the one the node calibrates from the first seconds. Scored is what arrives after that.

    Raises:
        CommandError: nothing came, or a process ended.
    """
    rig = load_rig()
    results = []
    for i, take in enumerate(takes):
        progress(f"live, in real time: {take.name}")
        motion, _ = played_motion(str(take), seed=1)
        results.append(_score_live(model_name, take, motion, i, rig))
    return grouped(results)


def _score_live(model_name: str, take: Path, motion: FaceMotion, number: int, rig: FaceRig) -> TakeResult:
    namespace = f"evaluate_{os.getpid()}_{number}"
    with tempfile.TemporaryDirectory(prefix="imusic_") as folder:
        values = {
            "port": str(Path(folder) / "hub"),
            "motion": str(take),
            "model": model_name,
            "subject": UNSEEN_SUBJECT,
        }
        with Supervisor(load_graph("headless").started_with(values), namespace, _quiet) as supervisor:

            def check(supervisor: Supervisor = supervisor) -> None:
                if ended := supervisor.ended():
                    raise CommandError(f"expected every process to run to the end, but these ended: {ended}")

            faces = listen(f"/{namespace}", motion.duration_s + 1.0, while_waiting=check)
            check()
    # By sequence numbers, not by counting: a face that was lost on the way must not stretch the time.
    rate_hz = round((faces.sequence[-1] - faces.sequence[0]) / (faces.stamp_s[-1] - faces.stamp_s[0]))
    trajectory = Trajectory(motion, loop=True)
    tracked = np.flatnonzero(faces.state != CALIBRATING)
    truth = trajectory.weights(faces.sequence[tracked] / rate_hz).astype(np.float32)
    moved = moving_part(truth)
    scored = tracked[moved]
    return take_result(
        truth[moved],
        faces.weights[scored],
        faces.confidence[scored],
        rate_hz,
        rig,
        person=motion.person,
        take=take.name,
        geometry=HEAD,
    )


def _quiet(_process: str, _line: str) -> None:
    """What nodes print would break the table; it is in their logs."""
