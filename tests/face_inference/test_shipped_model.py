"""The shipped model on signals made from its own mounts: no simulator, exact geometry."""

from __future__ import annotations

import numpy as np
import pytest

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.face_estimate import InputLayout
from face_inference.model_folder import load_model
from face_inference.neutral_calibration import CalibrationParams
from face_inference.tracker import FaceTracker
from face_inference.tracker_params import TrackerParams
from face_model import arkit, observability, rotation
from face_model.face_state import FaceState
from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import ImuSample, status_of

RATE_HZ = 100.0


@pytest.fixture(scope="module")
def model():
    return load_model("imusic")


def samples(mounts, seconds, nod_rad, dead=()):
    """A rigid head that is still for 3 s and then nods; sensors named in `dead` fail after 4 s."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    speed, moving = 2.0 * np.pi * 0.5, time_s > 3.0
    angle = np.where(moving, nod_rad * (1.0 - np.cos(speed * (time_s - 3.0))), 0.0)
    rate = np.where(moving, nod_rad * speed * np.sin(speed * (time_s - 3.0)), 0.0)
    acceleration = np.where(moving, nod_rad * speed**2 * np.cos(speed * (time_s - 3.0)), 0.0)
    axis = np.array([0.0, 1.0, 0.0])
    for i in range(len(time_s)):
        head = rotation.from_vector(angle[i] * axis)
        omega, alpha = (np.broadcast_to(x[i] * axis, mounts.position_m.shape) for x in (rate, acceleration))
        up = rotation.rotate(rotation.conjugate(head), np.array([0.0, 0.0, GRAVITY_M_S2]))
        force = up + rotation.cross(alpha, mounts.position_m)
        force = force + rotation.cross(omega, rotation.cross(omega, mounts.position_m))
        back = rotation.conjugate(mounts.orientation)
        yield ImuSample(
            layout_id=1,
            sequence=i,
            hub_time_s=float(time_s[i]),
            status=status_of(np.array([time_s[i] < 4.0 or name not in dead for name in mounts.names])),
            orientation=rotation.multiply(np.broadcast_to(head, back.shape), mounts.orientation).astype(np.float32),
            angular_velocity=rotation.rotate(back, omega).astype(np.float32),
            specific_force=rotation.rotate(back, force).astype(np.float32),
        )


def run(model, **motion):
    mounts = model.description.mounts
    tracker = FaceTracker(model.description, OnnxRuntimeEngine(model), TrackerParams(CalibrationParams(duration_s=2.0)))
    tracker.set_layout(InputLayout(1, mounts.names, RATE_HZ))
    return [tracker.update(s, s.hub_time_s) for s in samples(mounts, **motion)]


def test_it_is_small_and_says_where_it_comes_from(model):
    assert sum(p.stat().st_size for p in model.path.iterdir()) < 5_000_000
    assert model.description.training["data_sha256"]
    assert model.description.numbers["states"]["routine"]["mae"] < model.description.numbers["states"]["neutral"]["mae"]
    assert "simulated" in (model.path / "README.md").read_text()


def test_a_relaxed_face_on_a_nodding_head_stays_relaxed(model):
    estimates = run(model, seconds=8.0, nod_rad=0.1)
    assert estimates[-1].state == FaceState.TRACKING
    weights = np.stack([e.weights for e in estimates[250:]])
    assert weights[:, list(observability.OBSERVABLE)].mean() < 0.06
    assert weights[:, arkit.INDEX["jawOpen"]].max() < 0.15
    assert weights[:, arkit.INDEX["mouthSmileLeft"]].max() < 0.2


def test_one_dead_sensor_lowers_confidence_and_stops_nobody(model):
    whole = run(model, seconds=7.0, nod_rad=0.05)
    without = run(model, seconds=7.0, nod_rad=0.05, dead=("mentalis",))
    assert without[-1].state == FaceState.DEGRADED
    assert whole[350].confidence.mean() == without[350].confidence.mean()
    observable = list(observability.OBSERVABLE)
    assert without[-1].confidence[observable].mean() < whole[-1].confidence[observable].mean()
    assert np.isfinite(without[-1].weights).all()
