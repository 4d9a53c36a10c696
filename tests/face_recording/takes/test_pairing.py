"""A take of simulated sensors and a simulated camera's view of the same face: paired, written, learned from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rosbags.rosbag2 import StoragePlugin, Writer

from face_inference.model_folder import load_model
from face_inference.wearer import natural
from face_inference.wearer.profile import new_profile
from face_inference.wearer.profile_folder import ProfileFolder
from face_model import arkit
from face_model.imu_sample import status_of
from face_model.layout import load_layout
from face_recording.bag_reader import typestore
from face_recording.takes.errors import TakeError
from face_recording.takes.listing import PAIRING_FILE
from face_recording.takes.pairing import pair_take, write_pairing
from face_reference.errors import AlignmentError
from imu_sim.families import load_family
from imu_sim.generator import generate
from imu_sim.kinematics import Trajectory
from imu_sim.phone.camera import PHONE, Camera
from imu_sim.simulate import simulate
from imu_sim.subject import random_subject
from imusic_cli import learning
from imusic_cli.learning import DEFAULT_MODEL, learn

BEGIN_NS = 1_764_340_000_000_000_000
LAG_S, SKEW = -1.3, 80e-6
STORE = typestore()


@dataclass(frozen=True)
class Recorded:
    """Folder of the take, and the same camera's view as a CSV."""

    folder: Path
    csv: Path
    alone: Path


def header(types: Any, at_s: float) -> Any:
    ns = BEGIN_NS + round(1e9 * at_s)
    return types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](*divmod(ns, 10**9)), "face_head")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    place = tmp_path_factory.mktemp("takes")
    layout, motion = load_layout("face_12"), generate(3, 70.0)
    recording = simulate(motion, random_subject(load_family("head"), layout, 17), layout, seed=4)
    types: Any = STORE.types
    camera, trajectory = Camera(PHONE, 5), Trajectory(motion)
    true_s = np.arange(1.0, motion.duration_s - 1.0, 1.0 / 60.0)
    seen = np.array([camera.picture(weights) for weights in trajectory.weights(true_s)])
    own_s = (true_s - LAG_S) / (1.0 + SKEW)  # a moment at t on the camera's clock is t (1 + SKEW) + LAG_S
    for name, with_reference in (("paired", True), ("alone", False)):
        with Writer(place / name, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            kinds = [f"imusic/msg/{kind}" for kind in ("SensorLayout", "ImuFrame", "FaceReference")]
            topics = ("/imu/layout", "/imu/frame", "/face/reference")
            to = [writer.add_connection(t, k, typestore=STORE) for t, k in zip(topics, kinds, strict=True)]
            pose = types["geometry_msgs/msg/Pose"](
                types["geometry_msgs/msg/Point"](0.0, 0.0, 0.0),
                types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
            )
            mounts = [
                types["imusic/msg/SensorMount"](
                    s.id, s.name, "none", "left", "x", True, False, np.zeros(2, np.float32), pose, 0.0, 0.0
                )
                for s in layout.sensors
            ]
            said = types[kinds[0]](header(types, 0.0), 1, "face_12", "hub", 100.0, mounts)
            writer.write(to[0], BEGIN_NS, STORE.serialize_cdr(said, kinds[0]))
            for i in range(len(recording.valid)):
                arrays = [
                    getattr(recording, key)[i].reshape(-1).astype(np.float32)
                    for key in ("orientation", "angular_velocity", "specific_force")
                ]
                frame = types[kinds[1]](
                    header(types, i / 100.0), 1, i, 10_000 * i, status_of(recording.valid[i]), *arrays
                )
                writer.write(to[1], BEGIN_NS + 10_000_000 * i, STORE.serialize_cdr(frame, kinds[1]))
            for k, weights in enumerate(seen if with_reference else []):
                late_s = true_s[k] + 0.08
                picture = types[kinds[2]](
                    header(types, late_s),
                    "livelink Ana",
                    k,
                    float(own_s[k]),
                    True,
                    weights.astype(np.float32),
                    np.array([name != "tongueOut" for name in arkit.BLENDSHAPES]),
                    np.zeros(arkit.COUNT, np.float32),
                    False,
                    types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
                )
                writer.write(to[2], BEGIN_NS + round(1e9 * late_s), STORE.serialize_cdr(picture, kinds[2]))
    csv = place / "Ana_1_iPhone.csv"
    rows = ["Timecode,BlendShapeCount," + ",".join(n[0].upper() + n[1:] for n in arkit.BLENDSHAPES)]
    for k, weights in enumerate(seen):
        seconds, unit = divmod(36000 * 60 + k, 60)
        code = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{unit:02d}.000"
        rows.append(",".join([code, "52", *(f"{weight:.6f}" for weight in weights)]))
    csv.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Recorded(place / "paired", csv, place / "alone")


def test_a_take_is_paired_with_its_own_reference(recorded: Recorded) -> None:
    found = pair_take(recorded.folder, load_model(DEFAULT_MODEL).description)
    for at_s in (5.0, 35.0, 65.0):
        truth_s = at_s * (1.0 + SKEW) + LAG_S
        assert abs(found.alignment.to_sensors(np.array([at_s]))[0] - truth_s) < 0.008
    assert found.lateness_s == pytest.approx(0.08, abs=0.008)
    assert found.quality in ("good", "fair")
    path = write_pairing(recorded.folder, found)
    assert path.stat().st_mode & 0o777 == 0o600
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert path.name == PAIRING_FILE
    assert content["begins_ns"] == BEGIN_NS
    assert content["source"] == "livelink Ana"
    assert content["not_seen"] == ["tongueOut"]
    assert content["offset_s"] == pytest.approx(found.alignment.offset_s, abs=1e-6)
    assert math.isfinite(content["worst_deviation_s"])


def test_a_take_is_paired_with_a_csv_whose_clock_nobody_knows(recorded: Recorded) -> None:
    found = pair_take(recorded.alone, load_model(DEFAULT_MODEL).description, recorded.csv)
    # The CSV's first row was taken at second 1.
    assert found.camera_times_s[0] == pytest.approx(1.0, abs=0.008)
    assert found.camera_times_s[-1] - found.camera_times_s[0] == pytest.approx(
        (len(found.camera.time_s) - 1) / 60.0, abs=0.008
    )
    assert math.isnan(found.lateness_s)
    assert len(found.content()["sha256"]) == 64


def test_a_profile_is_learned_from_the_take(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(natural, "SHARES", (0.3,))  # a third of the time
    folder = ProfileFolder(tmp_path)
    found = learn("ana", [recorded.folder], folder)
    assert found.written
    assert found.compared_with == ""
    assert found.learning.seconds > 40.0
    assert found.learning.after.whole.mae < found.learning.unknown.whole.mae
    label = folder.load("ana").label
    assert label.source == "phone"
    assert recorded.folder.name in label.quality
    content = found.content()
    assert content["after"]["mae"] < content["neutral"]["mae"]
    assert content["sources"][0]["lost_s"] == 0.0
    again = learn("ana", [recorded.alone], folder, csvs=[recorded.csv], force=True)
    assert folder.load("ana").label.created == label.created
    assert "profile as it was" in again.compared_with
    assert len(again.learning.labels) == pytest.approx(len(found.learning.labels), abs=3)


def test_a_routine_within_the_take_is_known_by_its_time(recorded: Recorded, tmp_path: Path) -> None:
    description = load_model(DEFAULT_MODEL).description
    pairing = pair_take(recorded.folder, description)
    names, still = description.mounts.names, pairing.sensed.observations
    made = new_profile("ana", description.prior.unknown_wearer, description.prior, names, names[0], "m 1", "q", still)

    def within(created: str) -> bool:
        profile = replace(made, label=replace(made.label, created=created))
        return learning._holds_routine(learning.Source("take", None, pairing), profile)  # type: ignore[arg-type]

    begins = datetime.fromtimestamp(1e-9 * BEGIN_NS, timezone.utc)
    assert within((begins + timedelta(seconds=65.0)).isoformat())
    assert not within((begins - timedelta(seconds=5.0)).isoformat())
    assert not within((begins + timedelta(seconds=200.0)).isoformat())
    assert not within("some day")


def test_pictures_without_a_face_are_told(recorded: Recorded) -> None:
    found = pair_take(recorded.folder, load_model(DEFAULT_MODEL).description)
    assert found.lost_s == 0.0
    assert found.sensed.turning_s > 1.0
    seen = found.camera.seen.copy()
    seen[600:1200] = False
    assert replace(found, camera=replace(found.camera, seen=seen)).lost_s == pytest.approx(10.0, abs=0.2)


def test_what_is_missing_or_another_face_is_told(recorded: Recorded, tmp_path: Path) -> None:
    description = load_model(DEFAULT_MODEL).description
    with pytest.raises(TakeError, match="record with a reference"):
        pair_take(recorded.alone, description)
    lines = recorded.csv.read_text(encoding="utf-8").splitlines()
    other = tmp_path / "other.csv"
    rng = np.random.default_rng(1)
    shown = np.abs(np.repeat(rng.normal(0.0, 0.3, (len(lines) // 20 + 1, arkit.COUNT)), 20, axis=0))
    shown = np.clip(shown[: len(lines) - 1] + rng.normal(0.0, 0.01, (len(lines) - 1, arkit.COUNT)), 0.0, 1.0)
    rows = [
        ",".join([*line.split(",")[:2], *(f"{weight:.4f}" for weight in weights)])
        for line, weights in zip(lines[1:], shown, strict=True)
    ]
    other.write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    with pytest.raises(AlignmentError):
        pair_take(recorded.alone, description, other)
