from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from face_dataset import build_dataset, merge, recipe_from
from face_dataset.folder import BUILD_FILE, need_room, part_path
from face_dataset.shards import ShardedDataset
from face_dataset.shards.encoding import WEIGHT_COUNT
from face_dataset.take import make_take
from face_model.routine import DURATION_S, nominal_weights, schedule
from imu_sim.errors import DatasetError

from .conftest import tiny

RECIPE = recipe_from(tiny())


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    told = []
    result = build_dataset(RECIPE, folder, workers=0, on_progress=told.append)
    assert [done.takes for done in told] == [1, 2, 3, 4]
    assert told[-1].seconds == pytest.approx(told[-1].of_seconds)
    assert result.made == (0, 1, 2)
    return folder


@pytest.fixture(scope="session")
def dataset(built: Path) -> ShardedDataset:
    return ShardedDataset.open(built)


def test_takes_are_what_the_recipe_says(dataset: ShardedDataset) -> None:
    assert [take.info.split for take in dataset] == ["train", "train", "train", "validation"]
    assert len({take.info.person for take in dataset}) == 4
    for take in dataset:
        recording = take.recording()
        assert 2.0 <= recording.duration_s <= 3.1
        assert recording.weights.max() <= 1.2
        lost = ~recording.valid.any(axis=1)
        assert lost.mean() == pytest.approx(take.info.details["loss"], abs=0.06)
        still = np.linalg.norm(recording.specific_force[:20][~lost[:20]], axis=-1)
        assert np.all((still > 9.0) & (still < 10.6)), "gravity"
    assert dataset.manifest.recipe == RECIPE.to_dict()
    assert dataset.manifest.versions["numpy"] == np.__version__


def test_a_stored_take_is_the_simulated_one(dataset: ShardedDataset) -> None:
    from face_dataset import plan_takes

    plan = plan_takes(RECIPE)
    info, arrays = make_take(RECIPE, plan.takes[1], None)
    assert info == dataset[1].info
    np.testing.assert_array_equal(np.rint(dataset[1].array("weights") / WEIGHT_COUNT), arrays["weights"])
    np.testing.assert_array_equal(dataset[1].array("valid"), arrays["valid"])


def test_vertices_come_from_the_wearers_own_face(dataset: ShardedDataset) -> None:
    take = dataset[0]
    some = take.vertices(10, 13)
    rig = take.rig()
    assert some.shape == (3, *rig.neutral.shape)
    np.testing.assert_allclose(some, rig.vertices(take.slice(10, 13).weights), atol=1e-6)
    other = dataset[1].rig()
    assert not np.allclose(rig.neutral, other.neutral, atol=1e-4), "another person"


def test_the_hash_does_not_depend_on_workers(built: Path, tmp_path: Path) -> None:
    result = build_dataset(RECIPE, tmp_path / "two", workers=2)
    assert result.manifest is not None
    assert result.manifest.sha256 == ShardedDataset.open(built).sha256


def test_two_machines_make_the_same_as_one(built: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(tiny()))
    code = (
        "import sys; from pathlib import Path; from face_dataset import build_dataset, load_recipe\n"
        "r = build_dataset(load_recipe(sys.argv[1]), Path(sys.argv[2]), workers=0, index=int(sys.argv[3]), count=2)\n"
        "print(len(r.made), len(r.missing))"
    )
    folders = [tmp_path / "machine_0", tmp_path / "machine_1"]
    machines = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(recipe), str(folder), str(index)], stdout=subprocess.PIPE, text=True
        )
        for index, folder in enumerate(folders)
    ]
    assert [machine.communicate(timeout=120)[0].split() for machine in machines] == [["2", "1"], ["1", "2"]]
    with pytest.raises(DatasetError, match="1 are missing"):
        merge(folders[0])
    manifest = merge(tmp_path / "merged", folders)
    assert manifest.sha256 == ShardedDataset.open(built).sha256
    assert list(ShardedDataset.open(tmp_path / "merged").verify())


def test_machines_may_share_a_folder(built: Path, tmp_path: Path) -> None:
    first = build_dataset(RECIPE, tmp_path, workers=0, index=1, count=2)
    assert (first.made, first.manifest) == ((1,), None)
    second = build_dataset(RECIPE, tmp_path, workers=0, index=0, count=2)
    assert second.manifest is not None
    assert second.manifest.sha256 == ShardedDataset.open(built).sha256


def test_a_stopped_build_goes_on_where_it_was(built: Path, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop_at_two(done: object) -> None:
        if len(list(tmp_path.glob(".parts/*")) + list(tmp_path.glob("shard_*"))) >= 2:
            raise StopError

    with pytest.raises(StopError):
        build_dataset(RECIPE, tmp_path, workers=0, on_progress=stop_at_two)
    told = []
    result = build_dataset(RECIPE, tmp_path, workers=0, on_progress=told.append)
    assert 0 < len(told) < 4
    assert result.manifest is not None
    assert result.manifest.sha256 == ShardedDataset.open(built).sha256
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in built.iterdir())


def test_lost_and_damaged_shards_are_made_again(built: Path, tmp_path: Path) -> None:
    build_dataset(RECIPE, tmp_path, workers=0)
    whole = ShardedDataset.open(tmp_path).sha256
    lost, cut = tmp_path / "shard_00000.safetensors", tmp_path / "shard_00002.safetensors"
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:-100])
    result = build_dataset(RECIPE, tmp_path, workers=0)
    assert result.made == (0, 2)
    assert ShardedDataset.open(tmp_path).sha256 == whole
    assert build_dataset(RECIPE, tmp_path, workers=0).made == ()


def test_a_damaged_part_is_made_again(built: Path, tmp_path: Path) -> None:
    build_dataset(RECIPE, tmp_path, workers=0)
    (tmp_path / "shard_00001.safetensors").unlink()
    (tmp_path / ".parts").mkdir()
    index = next(take.info.index for take in ShardedDataset.open(built) if take.info.shard == 1)
    part_path(tmp_path, index).write_bytes(b"cut off")
    build_dataset(RECIPE, tmp_path, workers=0)
    assert ShardedDataset.open(tmp_path).sha256 == ShardedDataset.open(built).sha256


def test_another_seed_gives_other_data(built: Path, tmp_path: Path) -> None:
    result = build_dataset(recipe_from(tiny(seed=5)), tmp_path, workers=0)
    assert result.manifest is not None
    assert result.manifest.sha256 != ShardedDataset.open(built).sha256


def test_recorded_motion_gets_rests_and_a_head_of_each_wearer(recorded_dir: Path, tmp_path: Path) -> None:
    group = {"split": "test", "wearers": 2, "licence": "MIT", "recorded": {"files": ["person_x_talk.csv"], "rest_s": 1}}
    result = build_dataset(recipe_from(tiny(takes={"r": group})), tmp_path / "out", recorded_dir, workers=0)
    assert result.manifest is not None
    assert result.manifest.licences == {"person_x_talk.csv": "MIT"}
    one, two = (take.recording() for take in ShardedDataset.open(tmp_path / "out"))
    assert one.person == two.person == "person_x"
    assert one.weights[:80].max() == 0.0
    assert one.weights.max() > 0.3
    assert not np.allclose(one.head_orientation, two.head_orientation, atol=1e-3)


def test_a_reader_finds_the_routine_of_a_takes_wearer(recorded_dir: Path, tmp_path: Path) -> None:
    motion = {"files": ["person_x_talk.csv"], "rest_s": 0.0}
    takes = {
        "r": {"split": "test", "wearers": 1, "licence": "MIT", "recorded": motion, "routine": True},
        "g": {"split": "train", "wearers": 1, "generated": {"seconds": [2.0, 2.0]}},
    }
    hub = {"rate_hz": 25.0}
    result = build_dataset(recipe_from(tiny(takes=takes, hub=hub)), tmp_path / "out", recorded_dir, workers=0)
    assert result.manifest is not None
    assert result.manifest.licences == {"person_x_talk.csv": "MIT"}
    dataset = ShardedDataset.open(tmp_path / "out")
    take, routine, other = dataset
    assert [t.info.is_routine for t in dataset] == [False, True, False]
    assert dataset.routine_of(take) == dataset.routine_of(routine) == routine
    assert dataset.routine_of(other) is None
    assert routine.info.person == take.info.person
    assert routine.info.duration_s == pytest.approx(DURATION_S, abs=0.1)
    asked = nominal_weights()
    held = [routine.array("weights", *(round(25.0 * t) for t in cue.hold_s)).mean(axis=0) for cue in schedule()]
    assert np.median(np.array(held)[asked > 0.5] / asked[asked > 0.5]) == pytest.approx(0.75, abs=0.25)


@pytest.mark.parametrize(
    ("changes", "match"),
    [({"seed": 9}, r"another recipe \(seed\)"), ({"gluing": {"placement_m": 0.0}}, r"another recipe \(gluing\)")],
)
def test_a_folder_of_another_build_is_refused(built: Path, changes: dict, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        build_dataset(recipe_from(tiny(**changes)), built, workers=0)


def test_a_folder_of_another_version_of_the_simulator_is_refused(built: Path, tmp_path: Path) -> None:
    record = json.loads((built / BUILD_FILE).read_text())
    record["inputs"]["code"] = "older"
    (tmp_path / BUILD_FILE).write_text(json.dumps(record))
    with pytest.raises(DatasetError, match="another version of the simulator"):
        build_dataset(RECIPE, tmp_path, workers=0)
    with pytest.raises(DatasetError, match="another version of the simulator"):
        merge(tmp_path, [built])


def test_folders_that_hold_something_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="found other files"):
        build_dataset(RECIPE, tmp_path, workers=0)
    with pytest.raises(DatasetError, match="a folder for the data set"):
        build_dataset(RECIPE, tmp_path / "thesis.txt", workers=0)
    with pytest.raises(DatasetError, match=BUILD_FILE):
        merge(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(("index", "count"), [(2, 2), (-1, 2), (0, 0)])
def test_a_machine_that_is_not_one_of_them_is_refused(tmp_path: Path, index: int, count: int) -> None:
    with pytest.raises(DatasetError, match="expected an index"):
        build_dataset(RECIPE, tmp_path, workers=0, index=index, count=count)


def test_a_disk_that_is_too_small_is_noticed_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="MiB of free disk"):
        need_room(tmp_path, 1 << 60)
