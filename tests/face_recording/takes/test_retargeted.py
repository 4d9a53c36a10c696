"""Takes as joint angles, as a VRM animation and as a model's coefficients."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face_model import arkit
from face_model.errors import ImusicError
from face_recording.takes.errors import TakeError
from face_recording.takes.exporting import Export, check_export, export, format_of
from face_recording.takes.joints_file import joint_angles
from face_recording.takes.take import STALE
from face_recording.takes.vrma_file import write_vrma
from face_retarget.flame.fit import FlameMap, save_map
from face_retarget.robot import load_robot
from face_retarget.vrm import EMOTIONS, expressions
from made_up_bags import tracked, write_bag
from made_up_takes import made_up


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bag(tmp_path / "take", {"": tracked(300, calibrating=20)})


def exported(folder: Path, to: str, out: Path, **asked: object) -> Path:
    wanted = Export(format_of(to, out), out, **asked)  # type: ignore[arg-type]
    check_export(wanted, overwrite=False)
    export(folder, wanted)
    return out


def test_joint_angles_keep_to_the_robots_limits_and_rates(folder: Path, tmp_path: Path) -> None:
    robot, _ = load_robot("demo_head")
    with exported(folder, "joints", tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time", *(joint.name for joint in robot.joints)]
    times = np.array([float(row["time"]) for row in rows])
    assert np.diff(times) == pytest.approx(0.02, abs=2e-6)
    for joint in robot.joints:
        angles = np.array([float(row[joint.name]) for row in rows])
        assert angles.min() >= joint.limits[0]
        assert angles.max() <= joint.limits[1]
        assert np.abs(np.diff(angles)).max() <= joint.max_speed * 0.02 + 2e-6
    assert max(abs(float(row[joint.name])) for row in rows for joint in robot.joints) > 0.05


def test_a_face_that_was_lost_is_lost_for_the_robot() -> None:
    robot, _ = load_robot("demo_head")
    take = made_up(600)
    take = replace(take, confidence=np.ones_like(take.confidence), observable=np.ones_like(take.observable))
    _, followed = joint_angles(take, robot)
    lost = take.state.copy()
    lost[200:] = STALE
    _, gone = joint_angles(replace(take, state=lost), robot)
    assert np.array_equal(gone[:200], followed[:200])
    assert np.abs(followed[-50:]).max() > 0.1
    assert np.abs(gone[-1]).max() < 0.02


def test_what_no_robot_and_no_map_is_is_told_before_the_work(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ImusicError, match="demo_head"):
        exported(folder, "joints", tmp_path / "a.csv", robot="nobody")
    with pytest.raises(TakeError, match="imusic retarget flame"):
        exported(folder, "flame", tmp_path / "a.npz")


def test_a_vrm_animation_holds_bones_expressions_and_the_faces_times(folder: Path, tmp_path: Path) -> None:
    gltf = pytest.importorskip("pygltflib")
    content = gltf.GLTF2().load_binary(str(exported(folder, "vrma", tmp_path / "a.vrma")))
    told = content.extensions["VRMC_vrm_animation"]
    assert told["specVersion"] == "1.0"
    bones = told["humanoid"]["humanBones"]
    assert len(bones) == 15
    assert not {"lookUp", "lookDown", "lookLeft", "lookRight"} & set(told["expressions"]["preset"])
    assert set(EMOTIONS) < set(told["expressions"]["preset"])
    assert list(told["expressions"]["custom"]) == list(arkit.BLENDSHAPES)
    blob = content.binary_blob()

    def values(index: int, width: int) -> np.ndarray:  # type: ignore[type-arg]
        accessor = content.accessors[index]
        start = content.bufferViews[accessor.bufferView].byteOffset
        return np.frombuffer(blob, "<f4", accessor.count * width, start).reshape(-1, width)

    take = tracked(300, calibrating=20)
    animation = content.animations[0]
    by_node = {channel.target.node: animation.samplers[channel.sampler] for channel in animation.channels}
    for name in ("happy", "aa", "blinkLeft"):
        sampler = by_node[told["expressions"]["preset"][name]["node"]]
        weights = values(sampler.output, 3)
        assert not weights[:, 1:].any()
        assert weights[:, 0] == pytest.approx([expressions(row)[name] for row in take.weights], abs=1e-6)
        assert values(sampler.input, 1)[:, 0] == pytest.approx(take.times_s, abs=1e-6)
    head = content.nodes[bones["head"]["node"]]
    assert head.name == "head"
    assert np.linalg.norm(values(by_node[bones["head"]["node"]].output, 4), axis=1) == pytest.approx(1.0, abs=1e-6)


def test_an_empty_take_is_no_animation(tmp_path: Path) -> None:
    empty = made_up(10).rows(slice(0, 0))
    with pytest.raises(TakeError, match="expected a face or more"):
        write_vrma(empty, tmp_path / "a.vrma")
    with pytest.raises(TakeError, match="expected a face or more"):
        joint_angles(empty, load_robot("demo_head")[0])


def test_coefficients_are_those_of_the_map(folder: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    by = FlameMap(
        "FLAME", "m.pkl", "0" * 64, random.normal(size=(5, 52)), random.normal(size=(3, 52)), np.ones(52), 1e-3
    )
    save_map(by, tmp_path / "map.npz")
    stored = np.load(exported(folder, "flame", tmp_path / "a.npz", map=tmp_path / "map.npz"))
    take = tracked(300, calibrating=20)
    expression, jaw = by.coefficients(take.weights)
    assert stored["expression"] == pytest.approx(expression, abs=1e-5)
    assert stored["jaw_pose"] == pytest.approx(jaw, abs=1e-5)
    assert str(stored["model"]) == "m.pkl"
