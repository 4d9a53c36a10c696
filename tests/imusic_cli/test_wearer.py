"""`imusic wearer`: profiles listed, shown, removed, and taught by a phone's recording."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("typer", reason="no typer: run make setup")

from face_inference.errors import ProfileError, WearerError
from face_inference.wearer.judgement import Judgement, Score
from face_inference.wearer.natural import NaturalLearning, learn_natural
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior
from face_inference.wearer.profile import WearerProfile, new_profile
from face_inference.wearer.profile_folder import ProfileFolder
from face_model import arkit, routine
from imusic_cli import learning
from imusic_cli.errors import CommandError
from imusic_cli.wearer import app

NAMES = ("skull", "brow", "cheek", "chin")
LAG_S = 3.21
"""The phone was started this much before the routine."""


@pytest.fixture(scope="module")
def prior() -> Prior:
    rng = np.random.default_rng(1)
    count = 3 * (len(NAMES) - 1)
    return Prior(
        mean=rng.normal(0.0, 0.06, (count, arkit.COUNT)).astype(np.float32),
        factors=np.zeros((1, count, arkit.COUNT), np.float32),
        spread=np.full((count, arkit.COUNT), 0.03, np.float32),
        noise=(np.eye(count) * 0.01**2).astype(np.float32),
        weights_mean=np.full(arkit.COUNT, 0.05, np.float32),
        weights_covariance=(np.eye(arkit.COUNT) * 0.15**2).astype(np.float32),
    )


def performed(time_s: np.ndarray) -> np.ndarray:
    """(T, 52) of somebody who follows the prompts."""
    weights = np.zeros((len(time_s), arkit.COUNT))
    for cue, pose in zip(routine.schedule(), routine.nominal_weights(), strict=True):
        shape = np.interp(time_s, cue.start_s + np.array([0.4, 0.8, 1.8, 2.2]), [0.0, 0.75, 0.75, 0.0])
        weights += shape[:, None] * pose
    return weights


@pytest.fixture(scope="module")
def truth(prior: Prior) -> np.ndarray:
    """Response (D, 52) of ann."""
    return prior.mean + np.random.default_rng(2).normal(0.0, 0.03, prior.mean.shape)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ProfileFolder:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return ProfileFolder()


@pytest.fixture
def profile(folder: ProfileFolder, prior: Prior, truth: np.ndarray) -> WearerProfile:
    time_s = np.arange(round(50 * routine.DURATION_S)) / 50
    values = (performed(time_s) @ truth.T).astype(np.float32)
    observed = Observations(time_s, values, np.ones(values.shape, bool))
    made = new_profile("ann", prior.unknown_wearer, prior, NAMES, "skull", "tiny face 1.0", "22 of 22", observed)
    folder.save(made)
    return made


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """What ann's phone wrote, as Live Link Face does."""
    time_s = np.arange(round(60 * (routine.DURATION_S + 5.0))) / 60
    weights = performed(time_s - LAG_S) + np.random.default_rng(3).normal(0.0, 0.01, (len(time_s), arkit.COUNT))
    columns = [name[0].upper() + name[1:] for name in arkit.BLENDSHAPES]
    lines = [",".join(["Timecode", "BlendShapeCount", *columns])]
    for i, row in enumerate(np.clip(weights, 0.0, 1.0)):
        code = f"12:{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}"
        lines.append(",".join([code, "61", *(f"{value:.4f}" for value in row)]))
    path = tmp_path / "take.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, prior: Prior) -> list[str]:
    """Stands for a model folder; the names it was asked for."""
    asked: list[str] = []
    mounts = SimpleNamespace(names=NAMES, reference=0)
    description = SimpleNamespace(mounts=mounts, prior=prior, title="tiny face 1.0")

    def load(name: str) -> SimpleNamespace:
        asked.append(name)
        return SimpleNamespace(description=description)

    monkeypatch.setattr(learning, "load_model", load)
    return asked


@pytest.fixture
def no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs that could be told."""
    monkeypatch.setitem(sys.modules, "imusic_cli.guide", SimpleNamespace(use_wearer=lambda *_, **__: None))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_profiles_are_listed_shown_and_removed(folder: ProfileFolder, profile: WearerProfile) -> None:
    (listed,) = json.loads(run("list", "--json"))
    shown = json.loads(run("show", "ann", "--json"))
    assert listed == shown
    assert (shown["wearer"], shown["source"], shown["quality"]) == ("ann", "population", "22 of 22")
    assert "ann" in run("list")
    assert "22 of 22" in run("show", "ann")
    run("remove", "ann")
    assert json.loads(run("list", "--json")) == []
    with pytest.raises(ProfileError):
        run("remove", "ann")


def test_one_damaged_profile_hides_nobody_elses(folder: ProfileFolder, profile: WearerProfile) -> None:
    (folder.path / "bob.safetensors").write_bytes(b"nonsense")
    result = CliRunner().invoke(app, ["list", "--json"], catch_exceptions=False)
    assert [entry["wearer"] for entry in json.loads(result.stdout)] == ["ann"]
    assert "bob" in result.stderr


def test_a_phones_recording_teaches_the_profile_of_its_routine(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str], truth: np.ndarray
) -> None:
    learned = learning.learn("ann", [], folder, csvs=[recorded])
    assert model == ["tiny face"]
    assert learned.written
    assert learned.sources[0].rows.alignment.lag_s == pytest.approx(-LAG_S, abs=0.02)
    found = folder.load("ann")
    assert found.label.source == found.jacobian.source == "phone"
    assert found.label.created == profile.label.created
    assert "take.csv" in found.label.quality
    assert found.routine is not None
    poses = routine.nominal_weights().T  # what moves together in every prompt cannot be told apart
    before = np.abs((profile.jacobian.mean - truth) @ poses).mean()
    assert np.abs((found.jacobian.mean - truth) @ poses).mean() < 0.2 * before


def test_another_persons_recording_is_refused_and_the_profile_stays(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str]
) -> None:
    lines = recorded.read_text().splitlines()
    shuffled = np.random.default_rng(5).permutation(len(lines) - 1)
    values = [line.split(",", 1)[1] for line in lines[1:]]
    mixed = [f"{line.split(',', 1)[0]},{values[j]}" for line, j in zip(lines[1:], shuffled, strict=True)]
    recorded.write_text("\n".join([lines[0], *mixed]) + "\n")
    with pytest.raises(WearerError):
        learning.learn("ann", [], folder, csvs=[recorded])
    assert folder.load("ann").label == profile.label


def test_a_profile_without_its_routine_cannot_be_taught(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str]
) -> None:
    folder.save(replace(profile, routine=None))
    with pytest.raises(CommandError, match="imusic wearer routine"):
        learning.learn("ann", [], folder, csvs=[recorded])


@pytest.fixture
def worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is learned reads held-out parts worse than what was known."""

    def learned(*arguments: Any) -> NaturalLearning:
        found = learn_natural(*arguments)
        standard = found.before or found.unknown
        return replace(found, after=Judgement(Score(2.0 * standard.whole.mae, 0.1), standard.regions))

    monkeypatch.setattr(learning, "learn_natural", learned)


def test_what_reads_worse_is_not_written_unless_forced(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str], worse: None
) -> None:
    found = learning.learn("ann", [], folder, csvs=[recorded])
    assert not found.written
    assert "--force" in found.refused
    assert folder.load("ann").label == profile.label
    assert learning.learn("ann", [], folder, csvs=[recorded], force=True).written
    assert folder.load("ann").label.source == "phone"


def test_what_was_learned_is_told_to_people_and_programs(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str], no_graph: None
) -> None:
    result = CliRunner().invoke(app, ["learn", "ann", "--csv", str(recorded), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["written"], told["refused"], told["in_use"]) == (True, "", False)
    assert told["after"]["r"] > told["before"]["r"]
    assert told["sources"][0]["name"] == "take.csv"
    assert set(told["regions"]["jaw"]) == {"before", "after"}
    assert "the profile as it was" in result.stderr
    assert all(f"- {advice}"[:30] in result.stderr for advice in told["advice"])


def test_a_refusal_is_an_error_and_an_object(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str], worse: None, no_graph: None
) -> None:
    result = CliRunner().invoke(app, ["learn", "ann", "--csv", str(recorded), "--json"])
    assert isinstance(result.exception, CommandError)
    assert json.loads(result.stdout)["written"] is False


def test_learning_from_what_was_learned_from_is_compared_with_less(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str]
) -> None:
    learning.learn("ann", [], folder, csvs=[recorded])
    assert learning.learn("ann", [], folder, csvs=[recorded]).compared_with == ""


@pytest.mark.parametrize(
    ("takes", "csvs", "message"),
    [
        ([], [], "name a take"),
        ([], ["a.csv", "b.csv"], "2 CSVs"),
        (["one", "two"], ["a.csv"], "one --csv for each of 2"),
        (["one", "one"], [], "found twice: one"),
    ],
)
def test_takes_and_csvs_that_do_not_go_together_are_refused(
    folder: ProfileFolder, takes: list[str], csvs: list[str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        learning.learn("ann", [Path(take) for take in takes], folder, csvs=[Path(csv) for csv in csvs])


def test_names_that_could_lead_out_and_profiles_that_are_not_there_are_refused(folder: ProfileFolder) -> None:
    with pytest.raises(ProfileError):
        learning.learn("../ann", [Path("take")], folder)
    with pytest.raises(ProfileError, match="imusic wearer routine bob"):
        learning.learn("bob", [], folder, csvs=[Path("take.csv")])


def test_a_profile_of_another_prior_gives_its_routine_and_no_more(
    folder: ProfileFolder, profile: WearerProfile, recorded: Path, model: list[str]
) -> None:
    folder.save(replace(profile, label=replace(profile.label, prior="0" * 64)))
    found = learning.learn("ann", [], folder, csvs=[recorded])
    assert found.compared_with == ""
    assert found.written
    folder.save(replace(profile, label=replace(profile.label, sensors=("skull", "brow", "nose", "chin"))))
    with pytest.raises(ProfileError, match="nose"):
        learning.learn("ann", [], folder, csvs=[recorded])


def answer(**fields: Any) -> SimpleNamespace:
    """Of an alignment of four sensors."""
    shown = {"success": True, "message": "3 sensors aligned", "stillness": 0.01, "sensors": list(NAMES)}
    shown |= {"aligned": [True, True, False, True], "turn": [0.0, 0.2, 0.0, -0.1], "residual": [0.0, 0.05, 0.0, 0.04]}
    shown |= {"deviation": [0.05, 0.03, 0.1, 0.03], "exchanged": [], "misplaced": []}
    return SimpleNamespace(**shown | fields)


def test_align_tells_turns_and_residuals_in_degrees(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imusic.action", reason="needs the built package: run `make test`")
    asked: list[Any] = []

    def align_sensors(goal: Any, namespace: str, show: Any) -> SimpleNamespace:
        asked.append((goal, namespace))
        prompt = SimpleNamespace(
            text="Nod.", name="nod", hold=True, number=1, count=2, phase_left=3.0, routine_left=7.0
        )
        show(SimpleNamespace(prompt=prompt))
        return answer()

    monkeypatch.setitem(sys.modules, "imusic_cli.guide", SimpleNamespace(align_sensors=align_sensors))
    told = json.loads(run("align", "--json", "--tolerant", "--namespace", "ann"))
    goal, namespace = asked[0]
    assert (goal.tolerant, goal.forget, goal.still_only, namespace) == (True, False, False, "ann")
    assert told["success"]
    assert told["sensors"][1]["turn_deg"] == pytest.approx(np.rad2deg(0.2))
    assert told["sensors"][1]["residual_deg"] == pytest.approx(np.rad2deg(0.05))
    assert [each["aligned"] for each in told["sensors"]] == [True, True, False, True]
    run("neutral")
    assert asked[1][0].still_only


def test_an_alignment_that_failed_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imusic.action", reason="needs the built package: run `make test`")
    why = "left and right zygomaticus are exchanged; what was known stays"
    refused = SimpleNamespace(align_sensors=lambda *_: answer(success=False, message=why, exchanged=["brow", "cheek"]))
    monkeypatch.setitem(sys.modules, "imusic_cli.guide", refused)
    with pytest.raises(CommandError, match="exchanged"):
        CliRunner().invoke(app, ["align"], catch_exceptions=False)


def test_tap_prints_the_stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imusic.action", reason="needs the built package: run `make test`")
    stamps = [SimpleNamespace(sec=10, nanosec=250_000_000), SimpleNamespace(sec=11, nanosec=0)]
    found = SimpleNamespace(success=True, message="2 taps", quality=30.0, stamps=stamps, heights=[40.0, 50.0])

    def find_taps(goal: Any, _namespace: str, show: Any) -> SimpleNamespace:
        show(SimpleNamespace(found=1, time_left=9.0))
        return found if goal.sensor == "mentalis" else SimpleNamespace(**vars(found) | {"success": False})

    monkeypatch.setitem(sys.modules, "imusic_cli.guide", SimpleNamespace(find_taps=find_taps))
    assert json.loads(run("tap", "--taps", "2", "--json"))["stamps"] == [10.25, 11.0]
    assert "10.250  40 m/s2" in run("tap", "--taps", "2")
    with pytest.raises(CommandError):
        CliRunner().invoke(app, ["tap", "--sensor", "chin"], catch_exceptions=False)


def test_learning_while_worn_is_shown_switched_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = pytest.importorskip("imusic_cli.guide", reason="no ROS 2: run make setup")
    asked: list[tuple[object, str]] = []
    monkeypatch.setattr(
        guide, "worn", lambda namespace: {"wearer": "ann", "learn_while_worn": "on", "worn_s": "61.200"}
    )
    monkeypatch.setattr(guide, "learn_while_worn", lambda learn, namespace: asked.append((learn, namespace)) or "done")
    monkeypatch.setattr(guide, "forget_worn", lambda namespace: asked.append(("forget", namespace)) or "forgot")
    shown = CliRunner().invoke(app, ["worn"])
    assert shown.exit_code == 0
    assert "learning while worn" in shown.output
    told = CliRunner().invoke(app, ["worn", "off", "--namespace", "lab", "--json"])
    assert json.loads(told.stdout)["learn_while_worn"] == "on"
    assert CliRunner().invoke(app, ["worn", "forget"]).exit_code == 0
    assert asked == [(False, "lab"), ("forget", "")]
