"""A bag written here, with a phone's file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from face_evaluation.bags import bag_with_truth, read_bag
from face_evaluation.score import score_recording
from face_evaluation.sources import Simulated
from face_inference.model_folder import ModelDescription
from face_model import arkit
from face_recording.bag_reader import BagError, typestore
from imu_sim.generator import generate
from imu_sim.motion import FaceMotion
from imu_sim.recording import Recording
from imusic_cli.errors import CommandError

LOST = 40
PHONE_BEGINS_S = 3.0


@pytest.fixture(scope="module")
def motion() -> FaceMotion:
    return generate(900_007, 25.0)


@pytest.fixture(scope="module")
def take(motion: FaceMotion) -> Recording:
    return Simulated(motion, "head", 900_001, 100.0).load().recording


def write_bag(
    path: Path,
    take: Recording,
    plugin: StoragePlugin,
    *,
    layout: bool = True,
    namespaces: tuple[str, ...] = ("alice",),
    restart: int | None = None,
) -> None:
    """With a `restart` the hub counts anew from that sample on."""
    store = typestore()
    types: Any = store.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "face_head")
    zero, level = types["geometry_msgs/msg/Point"](0.0, 0.0, 0.0), types["geometry_msgs/msg/Quaternion"](0.0, 0, 0, 1)
    pose = types["geometry_msgs/msg/Pose"](zero, level)
    place = np.zeros(2, np.float32)
    mounts = [
        types["imusic/msg/SensorMount"](i, name, "none", "midline", "QMI8658", True, i == 0, place, pose, 0.0, 0.0)
        for i, name in enumerate(take.sensor_names)
    ]
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        for namespace in namespaces:
            frames = writer.add_connection(f"/{namespace}/imu/frame", "imusic/msg/ImuFrame", typestore=store)
            layouts = writer.add_connection(f"/{namespace}/imu/layout", "imusic/msg/SensorLayout", typestore=store)
            if layout:
                told = types["imusic/msg/SensorLayout"](header, 7, "face_12", "hub", take.rate_hz, mounts)
                writer.write(layouts, 0, store.serialize_cdr(told, told.__msgtype__))
            for i in range(len(take.valid)):
                if i == LOST:
                    continue
                arrays = (getattr(take, n)[i].ravel() for n in ("orientation", "angular_velocity", "specific_force"))
                status = np.where(take.valid[i], 3, 32).astype(np.uint8)
                number = 500 + i if restart is None or i < restart else i - restart
                frame = types["imusic/msg/ImuFrame"](header, 7, number, i * 10_000, status, *arrays)
                writer.write(frames, 1 + i * 10_000_000, store.serialize_cdr(frame, frame.__msgtype__))


def write_phone(path: Path, motion: FaceMotion) -> None:
    """Begins `PHONE_BEGINS_S` after the bag."""
    rows = ["Timecode,BlendshapeCount," + ",".join(n[0].upper() + n[1:] for n in arkit.BLENDSHAPES)]
    for i, weights in enumerate(motion.resampled(60.0).weights[round(60 * PHONE_BEGINS_S) :]):
        clock = f"12:00:{i // 60:02d}:{i % 60:02d}.000"
        rows.append(f"{clock},52," + ",".join(f"{w:.5f}" for w in weights))
    path.write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_bag_is_the_take_that_was_recorded(take: Recording, tmp_path: Path, plugin: StoragePlugin) -> None:
    write_bag(tmp_path / "bag", take, plugin)
    found = read_bag(tmp_path / "bag")
    there = np.arange(len(take.valid)) != LOST
    assert found.sensor_names == take.sensor_names
    assert found.rate_hz == 100.0
    assert not found.valid[LOST].any()
    for name in ("orientation", "angular_velocity", "specific_force", "valid"):
        np.testing.assert_array_equal(getattr(found, name)[there], getattr(take, name)[there])


def test_a_phone_gives_the_truth_whenever_it_was_started(
    take: Recording, motion: FaceMotion, face_12_description: ModelDescription, tmp_path: Path
) -> None:
    write_bag(tmp_path / "bag", take, StoragePlugin.MCAP)
    write_phone(tmp_path / "alice_1.csv", motion)
    found = bag_with_truth(tmp_path / "bag", tmp_path / "alice_1.csv", face_12_description)
    expected = take.weights[-len(found.weights) :]
    assert len(found.weights) == pytest.approx(100 * (motion.duration_s - PHONE_BEGINS_S), abs=30)
    jaw = arkit.INDEX["jawOpen"]
    assert np.corrcoef(found.weights[:, jaw], expected[:, jaw])[0, 1] > 0.95


def test_a_bag_without_a_layout_and_no_bag_are_refused(take: Recording, tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", take, StoragePlugin.MCAP, layout=False)
    with pytest.raises(CommandError, match="no layout"):
        read_bag(tmp_path / "bag")
    with pytest.raises(BagError, match="expected a bag"):
        read_bag(tmp_path / "none")


def test_a_restart_of_the_hub_leaves_the_longest_stretch(take: Recording, tmp_path: Path) -> None:
    samples = len(take.valid)
    for restart, kept in ((samples // 4, slice(samples // 4, samples)), (samples - 300, slice(0, samples - 300))):
        write_bag(tmp_path / f"bag{restart}", take, StoragePlugin.MCAP, restart=restart)
        found = read_bag(tmp_path / f"bag{restart}")
        there = found.valid.any(axis=1)
        assert len(found.valid) == len(take.valid[kept])
        np.testing.assert_array_equal(found.specific_force[there], take.specific_force[kept][there])


def test_two_wearers_in_one_bag_are_told_apart(take: Recording, tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", take, StoragePlugin.MCAP, namespaces=("alice", "bob/left"))
    with pytest.raises(BagError, match=r"/alice, /bob/left; name one with --namespace"):
        read_bag(tmp_path / "bag")
    with pytest.raises(BagError, match=r"/carol, found /alice, /bob/left"):
        read_bag(tmp_path / "bag", "carol")
    for name in ("alice", "/bob/left"):
        assert len(read_bag(tmp_path / "bag", name).valid) == len(take.valid)


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_bag_without_its_index_is_read_all_the_same(take: Recording, tmp_path: Path, plugin: StoragePlugin) -> None:
    write_bag(tmp_path / "bag", take, plugin)
    (tmp_path / "bag" / "metadata.yaml").unlink()
    assert len(read_bag(tmp_path / "bag").valid) == len(take.valid)


def test_what_the_phone_did_not_see_is_no_truth(
    take: Recording, motion: FaceMotion, face_12_description: ModelDescription, tmp_path: Path
) -> None:
    write_bag(tmp_path / "bag", take, StoragePlugin.MCAP)
    phone = tmp_path / "alice_1.csv"
    write_phone(phone, motion)
    whole = bag_with_truth(tmp_path / "bag", phone, face_12_description)
    assert whole.seen is not None
    assert whole.seen.all()
    lines = phone.read_text().splitlines()
    lines[601:901] = [line.split(",")[0] + ",0" for line in lines[601:901]]
    phone.write_text("\n".join(lines) + "\n")
    found = bag_with_truth(tmp_path / "bag", phone, face_12_description)
    assert found.seen is not None
    assert np.count_nonzero(~found.seen) == pytest.approx(500, abs=5)  # five seconds
    # A wrong estimate there costs nothing; elsewhere it does.
    wrong = np.where(found.seen[:, None], found.weights, 1.0)
    assert score_recording(found, wrong, None).score.mae == 0.0
    assert score_recording(found, 1.0 - wrong, None).score.mae > 0.5
