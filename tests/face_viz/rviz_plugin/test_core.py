"""The plugin's own code, free of RViz and ROS, beside the Python that it must agree with."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_model import arkit, palette
from face_model.faces import HEAD_FILE, load_rig
from face_model.layout import load_layout
from face_model.rig import FaceRig
from face_model.skin import skin_patches
from face_model.stored_rig import save_rig
from face_viz.front_view import FrontView
from face_viz.markers import STATE_TEXTS, STATUS_COLORS
from face_viz.shown_sensors import SensorStatus

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "src" / "face_viz" / "rviz_plugin"
RIG_ERROR, PLACE_ERROR = 3, 4

Probe = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Probe:
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler: apt install g++")
    folder = tmp_path_factory.mktemp("rviz_plugin")
    trial = folder / "trial.cpp"
    trial.write_text("#include <zlib.h>\nint main() { return 0; }\n")

    def compiles(source: Path, *flags: str) -> bool:
        line = [compiler, "-std=c++17", *flags, str(source), "-o", str(folder / "trial")]
        return subprocess.run(line, capture_output=True, check=False).returncode == 0

    if not compiles(trial, "-lz"):
        pytest.skip("no headers of zlib: apt install zlib1g-dev")
    checked = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags = ["-O1", "-g", *(checked if compiles(trial, *checked, "-lz") else [])]
    program = folder / "probe"
    sources = [*map(str, sorted((PLUGIN / "core").glob("*.cpp"))), str(Path(__file__).with_name("probe.cpp"))]
    line = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", *flags, f"-I{PLUGIN}", *sources, "-lz"]
    built = subprocess.run([*line, "-o", str(program)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr

    def call(
        *words: object, data: bytes = b"", expect: int | tuple[int, ...] = 0
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [str(program), *map(str, words)], input=data, capture_output=True, check=False,
            env={"ASAN_OPTIONS": "allocator_may_return_null=1"},
        )  # fmt: skip
        allowed = expect if isinstance(expect, tuple) else (expect,)
        assert done.returncode in allowed, (done.stdout[:500], done.stderr[-2000:])
        return done

    return call


@pytest.fixture(scope="module")
def rig() -> FaceRig:
    return load_rig("head")


def floats(done: subprocess.CompletedProcess[bytes]) -> np.ndarray:
    return np.frombuffer(done.stdout, np.float32)


def random_weights(count: int) -> np.ndarray:
    random = np.random.default_rng(7)
    return np.where(random.random((count, arkit.COUNT)) < 0.5, random.random((count, arkit.COUNT)), 0).astype("f4")


def normals_of(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
    sums = np.zeros(vertices.shape)
    for k in range(3):
        np.add.at(sums, triangles[:, k], np.cross(b - a, c - a))
    normals: np.ndarray = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-300)
    return normals


# The face.


def test_shapes_have_arkits_order(probe: Probe) -> None:
    assert probe("names").stdout.decode().split() == list(arkit.BLENDSHAPES)


def test_the_shipped_head_is_read(probe: Probe, rig: FaceRig) -> None:
    said = probe("load", HEAD_FILE).stdout.decode().strip()
    assert said == f"{rig.name} {len(rig.neutral)} {len(rig.displacements)} {len(rig.triangles)}"


def test_blending_is_the_python_rigs(probe: Probe, rig: FaceRig) -> None:
    weights = np.concatenate([np.zeros((1, arkit.COUNT), "f4"), np.eye(arkit.COUNT, dtype="f4"), random_weights(6)])
    found = floats(probe("blend", HEAD_FILE, data=weights.tobytes())).reshape(len(weights), 2, -1, 3)
    expected = rig.vertices(weights)
    assert np.abs(found[:, 0] - expected).max() < 1e-6  # m; sums of float32 in another order
    used = np.unique(rig.triangles)
    for moved, normals in zip(expected, found[:, 1], strict=True):
        truth = normals_of(moved, rig.triangles)
        firm = np.linalg.norm(truth[used], axis=1) > 0.5
        # Where triangles fold onto each other the normal is a small difference.
        assert np.quantile(np.linalg.norm(normals[used][firm] - truth[used][firm], axis=1), 0.995) < 1e-2
        assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-4)


def test_a_face_that_did_not_change_costs_nothing_and_nan_moves_nothing(probe: Probe) -> None:
    weights = random_weights(2)[[0, 0, 1, 1, 1]]
    weights[3, 4] = np.nan
    assert probe("moved", HEAD_FILE, data=weights.tobytes()).stdout == b"10100"


def test_a_rig_that_python_stored_with_other_counts_is_read(probe: Probe, rig: FaceRig, tmp_path: Path) -> None:
    plain = FaceRig(
        name="Zoë", neutral=rig.neutral, triangles=rig.triangles, deltas=rig.deltas, colors=rig.colors,
        parts=rig.parts, landmarks=rig.landmarks, lip_vertices=rig.lip_vertices,
    )  # fmt: skip
    save_rig(plain, tmp_path / "plain.npz")
    assert probe("load", tmp_path / "plain.npz").stdout.decode().split()[1:3] == [str(len(rig.neutral)), "52"]


def test_doubt_is_none_where_the_model_is_sure_and_all_where_it_knows_nothing(probe: Probe, rig: FaceRig) -> None:
    moving = np.linalg.norm(rig.deltas, axis=2).max(axis=0)
    sure = floats(probe("doubt", HEAD_FILE, data=np.ones(arkit.COUNT, "f4").tobytes()))
    assert not sure.any()
    lost = floats(probe("doubt", HEAD_FILE, data=np.full(arkit.COUNT, np.nan, "f4").tobytes()))
    assert np.allclose(lost[moving > 1e-3], 1.0, atol=1e-5)
    assert not lost[moving == 0].any()
    one = np.ones(arkit.COUNT, "f4")
    one[arkit.INDEX["jawOpen"]] = 0.0
    jaw = floats(probe("doubt", HEAD_FILE, data=one.tobytes()))
    assert jaw[rig.landmarks["chin"]] > 0.1 > jaw[rig.landmarks["nose_tip"]]


def test_colours_are_the_rigs_own_until_another_skin_is_chosen(probe: Probe, rig: FaceRig) -> None:
    def colors(skin: np.ndarray, doubt: float) -> np.ndarray:
        done = probe("colors", HEAD_FILE, *(skin / 255.0), doubt)
        return np.frombuffer(done.stdout, np.uint8).reshape(-1, 4)

    own = colors(palette.SKIN, 0.0)
    assert np.array_equal(own[:, :3], rig.colors)
    assert (own[:, 3] == 255).all()
    dark = colors(palette.SKIN / 2, 0.0).astype(int)
    skin, eye = rig.parts["skin"], rig.parts["eye_left"]
    assert np.abs(dark[skin, :3] - rig.colors[skin] / 2).max() <= 1
    assert np.array_equal(dark[eye, :3], rig.colors[eye])
    assert (colors(palette.SKIN, 1.0)[:, 2] > 100).mean() > 0.95  # blue-grey


# Files that are no rig.


@pytest.mark.parametrize(
    ("name", "content"),
    [("absent.npz", None), ("empty.npz", b""), ("text.npz", b"no archive at all" * 9), ("face.glb", b"glTF")],
)
def test_what_is_no_rig_is_refused_with_what_to_do(
    probe: Probe, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    said = probe("load", tmp_path / name, expect=RIG_ERROR).stdout.decode()
    assert name in said
    assert "imusic rig export" in said


def test_a_folder_is_no_rig(probe: Probe, tmp_path: Path) -> None:
    (tmp_path / "face.npz").mkdir()
    assert "imusic rig export" in probe("load", tmp_path / "face.npz", expect=RIG_ERROR).stdout.decode()


@pytest.fixture(scope="module")
def small_rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rig of a few vertices, so that thousands of damaged ones can be tried."""
    path = tmp_path_factory.mktemp("small") / "small.npz"
    random = np.random.default_rng(0)
    count = 16
    marks = ("pupil_left", "pupil_right", "mouth_corner_left", "mouth_corner_right")
    rest = ("lip_upper", "lip_lower", "nose_tip", "chin")
    rig = FaceRig(
        name="small", neutral=random.random((count, 3)).astype("f4"),
        triangles=np.arange(15, dtype=np.int32).reshape(-1, 3),
        deltas=random.random((arkit.COUNT, count, 3)).astype("f4"), colors=np.zeros((count, 3), np.uint8),
        parts={"skin": slice(0, count)}, landmarks={name: i for i, name in enumerate(marks + rest)},
        lip_vertices=np.arange(2, dtype=np.int32),
    )  # fmt: skip
    save_rig(rig, path)
    return path


def changed(path: Path, out: Path, **arrays: np.ndarray | None) -> Path:
    with np.load(path) as stored:
        content = {name: stored[name] for name in stored.files} | arrays
    np.savez(out, **{name: array for name, array in content.items() if array is not None})  # type: ignore[arg-type]
    return out


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"neutral": None}, "neutral"),
        ({"neutral": np.full((16, 3), np.nan, "f4")}, "neutral"),
        ({"neutral": np.zeros((16, 3))}, "<f4"),
        ({"neutral": np.zeros((0, 3), "f4")}, "vertices"),
        ({"triangles": np.array([[0, 1, 16]], np.int32)}, "corner 16"),
        ({"triangles": np.array([[0, 1, -1]], np.int32)}, "corner -1"),
        ({"displacements": np.zeros((51, 16, 3), "f4")}, "displacements"),
        ({"displacements": np.full((52, 16, 3), np.inf, "f4")}, "displacements"),
        ({"colors": np.zeros((15, 3), np.uint8)}, "colors"),
        ({"label": np.array('{"format": "imusic rig 9"}')}, "imusic rig 9"),
        ({"label": np.array("[" * 1000)}, "deep"),
        ({"label": np.array("{")}, "JSON"),
        ({"label": np.array(7)}, "text"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(
    probe: Probe, small_rig: Path, tmp_path: Path, arrays: dict[str, np.ndarray | None], said: str
) -> None:
    path = changed(small_rig, tmp_path / "wrong.npz", **arrays)
    answer = probe("load", path, expect=RIG_ERROR).stdout.decode()
    assert said in answer
    assert "imusic rig export" in answer


def test_an_archive_that_unpacks_to_very_much_is_refused(probe: Probe, tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("neutral.npy", "w") as file:
        for _ in range(600):
            file.write(bytes(1 << 20))
    assert "too large" in probe("load", path, expect=RIG_ERROR).stdout.decode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_an_error_and_no_crash(
    probe: Probe, small_rig: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(small_rig.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    path = tmp_path / "damaged.npz"
    path.write_bytes(content[:cut])
    probe("load", path, expect=(0, RIG_ERROR))  # 0: what was changed means nothing


# Sensors.


def test_boards_lie_where_python_puts_them(probe: Probe, rig: FaceRig) -> None:
    layout = load_layout("face_12")
    weights = np.concatenate([np.zeros((1, arkit.COUNT), "f4"), random_weights(5)])
    positions, quaternions = skin_patches(rig, layout).board_poses(weights)
    on_skin = [i for i, sensor in enumerate(layout.sensors) if sensor.place is not None]
    places = [number for i in on_skin for number in layout.sensors[i].place or ()]
    found = floats(probe("boards", HEAD_FILE, *places, data=weights.tobytes())).reshape(len(weights), -1, 7)
    assert np.abs(found[..., :3] - positions[:, on_skin]).max() < 1e-6
    assert np.abs(np.sum(found[..., 3:] * quaternions[:, on_skin], axis=-1)).min() > 1 - 1e-6


@pytest.mark.parametrize("place", [(40, 0), (math.nan, 0), (0, math.inf), (1e300, -1e300)])
def test_a_place_off_the_skin_is_an_error(probe: Probe, place: tuple[float, float]) -> None:
    assert "expected" in probe("boards", HEAD_FILE, *place, expect=PLACE_ERROR).stdout.decode()


@pytest.mark.parametrize("pose", [(math.nan, 0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0, 0), (1e9, 0, 0, 0, 0, 0, 1)])
def test_a_pose_on_the_skull_that_is_none_is_an_error(probe: Probe, pose: tuple[float, ...]) -> None:
    probe("skull", *pose, expect=PLACE_ERROR)


def test_health_and_its_colours_are_those_of_the_markers(probe: Probe) -> None:
    found = floats(probe("health")).reshape(256, 4)
    for bits in range(256):
        status = SensorStatus.of(bits)
        assert found[bits, 0] == status
        assert np.allclose(found[bits, 1:], STATUS_COLORS[status])


# Messages.


def test_states_are_called_as_the_markers_call_them(probe: Probe) -> None:
    *known, unknown, other, none = probe("states").stdout.decode().splitlines()
    texts = list(STATE_TEXTS.values())
    assert known == texts[:4]
    assert (unknown, other, none) == (texts[3], texts[3], texts[4])


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, 1e9, -5.0])
def test_weights_that_would_tear_the_face_are_named(probe: Probe, weight: float) -> None:
    weights, confidence = np.zeros(arkit.COUNT, "f4"), np.zeros(arkit.COUNT, "f4")
    assert probe("problem", data=weights.tobytes() + confidence.tobytes()).stdout == b""
    weights[17] = weight
    assert b"jawOpen" in probe("problem", data=weights.tobytes() + confidence.tobytes()).stdout


def test_a_head_that_is_no_rotation_is_named(probe: Probe) -> None:
    assert b"head" in probe("problem", math.nan, data=bytes(8 * arkit.COUNT)).stdout


def test_the_front_is_the_pages(probe: Probe) -> None:
    random = np.random.default_rng(3)
    turns = random.normal(size=(20, 4))
    times = np.cumsum(random.random(20) * 5)
    turns[4] = 0.0
    view = FrontView()
    expected = [view.turn(turn, time) for turn, time in zip(turns, times, strict=True)]
    words = np.concatenate([times[:, None], turns], axis=1).reshape(-1)
    assert np.allclose(floats(probe("front", *words)).reshape(-1, 4), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("space", "topic"), [("", "/a/b"), ("alice", "/alice/a/b"), ("/lab/bob/", "/lab/bob/a/b"), (" / ", "/a/b")]
)
def test_topics_are_in_the_namespace(probe: Probe, space: str, topic: str) -> None:
    assert probe("topic", space, "a/b").stdout.decode() == topic


# The trail.


def test_shapes_are_chosen_by_name_and_both_sides_by_half_a_name(probe: Probe) -> None:
    said = probe("shapes", "jawOpen, mouthSmile,jawOpen,, nose").stdout.decode().split()
    assert said == ["jawOpen", "mouthSmileLeft", "mouthSmileRight", "?nose"]


def test_a_trail_keeps_its_seconds_and_begins_anew_when_time_goes_back(probe: Probe) -> None:
    assert probe("trail", 2, 0, 1, 2, 3.5).stdout == b"2 2 2:4 3.5:5"
    assert probe("trail", 2, 5, 1, math.nan).stdout == b"2 2 1:3"
    assert re.match(rb"2 120 ", probe("trail", 1e9, 0).stdout)
    assert re.match(rb"2 8 ", probe("trail", math.nan, 0).stdout)
