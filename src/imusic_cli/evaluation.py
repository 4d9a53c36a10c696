"""`imusic evaluate`: played against estimated weights, for people the model never saw."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from face_inference.evaluation import Evaluation, Score, evaluate_model, mean_score, moving_part, score_take
from face_inference.model_folder import Model
from face_model.faces import HEAD, load_family, load_rig
from face_model.layout import load_layout
from face_model.rig import FaceRig
from face_model.share import share_dir
from imu_sim.generator import generate
from imu_sim.hub.server import RECORDED_REST_S, played_motion
from imu_sim.kinematics import Trajectory
from imu_sim.livelink import read_livelink
from imu_sim.motion import FaceMotion
from imu_sim.simulate import simulate
from imu_sim.wearer import random_wearer
from imusic_cli.errors import CommandError
from imusic_cli.node import listen
from imusic_cli.supervisor import Supervisor
from imusic_ros.graph import load_graph

Progress = Callable[[str], None]

UNSEEN_WEARER = 900_000
"""Seeds of wearers from here on are used for evaluation only; training draws small ones."""

CALIBRATING = 0
"""FaceBlendshapes.STATE_CALIBRATING: no estimate yet."""


def held_out_takes(model: Model) -> list[Path]:
    """Recorded takes of people this model never saw, where the shared data lies beside the checkout."""
    root = Path(os.environ.get("IMUSIC_SHARED", share_dir().resolve().parent / "shared"))
    checkout = Path(__file__).resolve().parents[2].parent / "shared"
    folder = next((f / "data" / "motion_arkit" for f in (root, checkout) if f.is_dir()), None)
    if folder is None:
        return []
    names = model.description.training.get("held_out", [])
    return [folder / name for name in names if (folder / name).is_file()]


def motions_of(takes: Sequence[Path], seconds: float = 60.0, people: int = 3) -> list[FaceMotion]:
    """Recorded takes between two rests, as the hub plays them; without any, generated performances, named as synthetic.

    The neutral is calibrated in the rest: recorded takes hardly ever hold a relaxed face.
    """
    if takes:
        return [read_livelink(path)[0].faded(rest_s=RECORDED_REST_S) for path in takes]
    return [generate(UNSEEN_WEARER + i, seconds) for i in range(people)]


def evaluate_offline(
    model: Model, motions: Sequence[FaceMotion], wearers: int, rate_hz: float, progress: Progress, face: str = HEAD
) -> Evaluation:
    """Each motion on several wearers never drawn in training, simulated and tracked as fast as the machine can.

    Errors in millimetres are those of the family's typical face.

    Args:
        model: to be scored.
        motions: what is played.
        wearers: random people of `face` for each motion.
        rate_hz: of the samples.
        progress: called with one line.
        face: whose people, as `face_model.faces.load_family` takes it.
    """
    family, layout = load_family(face), load_layout("face_12")
    people = [random_wearer(family, layout, UNSEEN_WEARER + w) for w in range(wearers)]
    recordings = (
        simulate(motion, wearer, layout, rate_hz=rate_hz, seed=seed)
        for motion in motions
        for seed, wearer in enumerate(people)
    )
    return evaluate_model(model, recordings, family.typical(), progress)


def evaluate_live(model_name: str, takes: Sequence[Path], progress: Progress) -> Evaluation:
    """Each take through the real processes: simulated hub, pseudo-terminal, driver, inference, messages.

    The neutral is the one the node calibrates from the first seconds. Scored is what arrives after that.

    Raises:
        CommandError: nothing came, or a process ended.
    """
    rig = load_rig()
    scores: dict[str, list[Score]] = {}
    for i, take in enumerate(takes):
        progress(f"live, in real time: {take.name}")
        motion, _ = played_motion(str(take), seed=1)
        scores.setdefault(motion.person, []).append(_score_live(model_name, take, motion, i, rig))
    people = {person: mean_score(values) for person, values in scores.items()}
    return Evaluation(mean_score(list(people.values())), people)


def _score_live(model_name: str, take: Path, motion: FaceMotion, number: int, rig: FaceRig) -> Score:
    namespace = f"evaluate_{os.getpid()}_{number}"
    with tempfile.TemporaryDirectory(prefix="imusic_") as folder:
        values = {"port": str(Path(folder) / "hub"), "motion": str(take), "model": model_name, "wearer": UNSEEN_WEARER}
        with Supervisor(load_graph("headless").started_with(values), namespace, _quiet) as supervisor:
            faces = listen(f"/{namespace}", motion.duration_s + 1.0)
            ended = supervisor.ended()
    if ended:
        raise CommandError(f"expected every process to run to the end, but these ended: {ended}")
    # By sequence numbers, not by counting: a face that was lost on the way must not stretch the time.
    rate_hz = round((faces.sequence[-1] - faces.sequence[0]) / (faces.stamp_s[-1] - faces.stamp_s[0]))
    trajectory = Trajectory(motion, loop=True)
    tracked = np.flatnonzero(faces.state != CALIBRATING)
    truth = trajectory.weights(faces.sequence[tracked] / rate_hz).astype(np.float32)
    moved = moving_part(truth)
    scored = tracked[moved]
    return score_take(truth[moved], faces.weights[scored], faces.confidence[scored], rate_hz, rig)


def _quiet(_process: str, _line: str) -> None:
    """What nodes print would break the table; it is in their logs."""
