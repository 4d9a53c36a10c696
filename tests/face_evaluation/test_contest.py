"""Models and the rest pose on the same takes, from motion to page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from face_dataset.shards import store_recordings
from face_evaluation import REST_POSE, sources
from face_evaluation import trials as trials_module
from face_evaluation.contest import SPECIAL_TRIALS, Cast, contestants_of, hold_contest, stored_takes, trials_of
from face_evaluation.entrants import EntrantSpec
from face_evaluation.findings_page import write_page
from face_evaluation.held import HELD_POSES, LATE_S
from face_evaluation.motions import held_motion, long_motion, motions_of
from face_evaluation.sources import Simulated
from face_evaluation.states import Knowledge, MissingTakeError
from face_evaluation.tables import contest_grids, family_title, grids, protocol_grid, state_grid
from face_evaluation.trials import (
    HELD,
    LABEL_CURVE,
    LONG_WEAR,
    PLACEMENT,
    REGLUED,
    SENSORS,
    TAKES,
    WEAR_CURVE,
    Contestant,
    Trial,
)
from imusic_cli.errors import CommandError


@pytest.fixture(scope="module")
def motions():
    return motions_of([], seconds=12.0, people=2)


def test_models_and_rest_pose_meet_on_the_same_takes(motions, contestants, tmp_path: Path):
    told: list[tuple[int, int]] = []
    findings = hold_contest(
        trials_of(Cast(motions, subjects=1), ()), contestants, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(1, 2), (2, 2)]
    assert list(findings.contest) == [REST_POSE, "linear, neutral", "linear, routine"]
    rest, neutral, routine = findings.contest.values()
    assert set(rest.people) == set(neutral.people) == {motion.person for motion in motions}
    assert list(neutral.geometries) == ["head"]
    assert neutral.overall.rest_mae == pytest.approx(rest.overall.mae)
    assert routine.overall.r["jawOpen"] > 0.6
    assert routine.overall.r_observable > neutral.overall.r_observable
    assert findings.notes == ()
    assert {len(grid.rows) for grid in (*contest_grids(findings), protocol_grid(findings))} == {3}
    assert json.loads(json.dumps(findings.to_dict()))["contestants"][REST_POSE]["log_likelihood"] is None
    write_page(tmp_path / "index.html", findings, "Takes: two.")
    page = (tmp_path / "index.html").read_text()
    for expected in ("By blendshape", "Confidence", "Faces", "data:image/png", "By person"):
        assert expected in page


def test_special_trials_on_short_takes(motions, contestants, tmp_path: Path):
    def played(motion):
        return Simulated(motion, "head", 900_000, 100.0)

    take, first = played(motions[0]), contestants[:1]
    trials = [
        Trial(SENSORS, "", take),
        Trial(PLACEMENT, "0 mm", replace(take, placement_m=0.0)),
        Trial(HELD, "jaw", played(held_motion("jaw", 1, hold_s=14.0))),
        Trial(LONG_WEAR, "", played(long_motion(motions, 1, duration_s=180.0))),
    ]
    findings = hold_contest(trials, first)
    variants = findings.sensors["linear, neutral"]
    assert len(variants) == 1 + 11 + 4
    assert variants["all sensors"].mae < variants["3 skin sensors"].mae
    assert set(findings.placement) == {REST_POSE, "linear, neutral"}
    held = findings.held["linear, neutral"]["head"]["jaw"]
    assert held.truth == pytest.approx(0.6, abs=0.01)
    assert len(held.curve) == 12
    wear = findings.long_wear["linear, neutral"]
    assert len(wear.minutes) == 3
    assert 0.5 < wear.growth < 2.0
    titles = [grid.title for grid in grids(findings)]
    assert len(titles) == len(set(titles)) == 8
    write_page(tmp_path / "index.html", findings, "")
    page = (tmp_path / "index.html").read_text()
    for expected in ("Held expressions", "Long wear", "Missing sensors", "Misplaced sensors"):
        assert expected in page
    json.dumps(findings.to_dict())


def test_entrants_meet_in_states_of_knowledge(motions, contestants, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(sources, "WEAR_S", 40.0)
    short = {
        "neutral": Knowledge(),
        "worn": Knowledge(wear_s=40.0),
        "phone": Knowledge(routine=True, labelled_s=30.0),
        "phone_real": Knowledge(routine=True, labelled_s=30.0, errs=True),
    }
    monkeypatch.setattr(trials_module, "STATES", short)
    lines = {WEAR_CURVE: {"neutral": ((0.0, Knowledge()), (1.0, Knowledge(wear_s=40.0)))}}
    lines[LABEL_CURVE] = {"true labels": ((0.0, Knowledge(routine=True)), (30.0, short["phone"]))}
    monkeypatch.setattr(trials_module, "CURVES", lines)
    entrants = {"ours": EntrantSpec("model", "m"), "no network": EntrantSpec("linear", "m")}
    entrants["ridge"] = EntrantSpec("ridge", "m")
    asked = [Contestant(spec, name, state) for name, spec in entrants.items() for state in short]
    take = Simulated(motions[0], "head", 900_000, 100.0)
    held = [
        Trial(REGLUED, "", replace(take, glued_anew=True)),
        Trial(WEAR_CURVE, "", take),
        Trial(LABEL_CURVE, "", take),
    ]
    findings = hold_contest([Trial(TAKES, "", take), *held], asked)

    assert {name: list(titles) for name, titles in findings.entrants.items()} == {
        "ours": [*short],
        "no network": [*short],
        "ridge": ["phone", "phone_real"],
    }
    overall = {name: evaluation.overall for name, evaluation in findings.contest.items()}
    # The engine of this test gives the linear estimate as it is, in a batch or not.
    assert overall["ours, worn"].mae == pytest.approx(overall["no network, worn"].mae, abs=1e-4)
    # The clocks were brought together: labels that are a second late would teach nothing.
    assert overall["ours, phone_real"].mae == pytest.approx(overall["ours, phone"].mae, abs=0.02)
    assert overall["ridge, phone_real"].r_observable == pytest.approx(overall["ridge, phone"].r_observable, abs=0.25)
    assert overall["ours, neutral"].mae != overall["ours, worn"].mae
    grid = state_grid(findings, "mae")
    assert list(grid.header) == ["", "", *short]
    assert [row[:2] for row in grid.rows] == [("our head", name) for name in (REST_POSE, *entrants)]
    assert grid.rows[-1][2:4] == ("", "")
    assert findings.reglued["ours, neutral"].overall.mae == pytest.approx(overall["ours, neutral"].mae, abs=0.03)
    assert findings.reglued["ridge, phone"].overall.mae != overall["ridge, phone"].mae
    curve = findings.curves[LABEL_CURVE]["ours"]["head"]["true labels"]
    assert list(curve) == [0.0, 30.0]
    assert curve[30.0].mae == pytest.approx(overall["ours, phone"].mae)
    assert list(findings.curves[LABEL_CURVE]["ridge"]["head"]["true labels"]) == [30.0]
    assert "ridge" not in findings.curves[WEAR_CURVE]
    assert [grid.title for grid in grids(findings)][-3].startswith("Glued anew")
    write_page(tmp_path / "index.html", findings, "Takes: one.")
    page = (tmp_path / "index.html").read_text()
    for expected in ("What is known of the wearer", "Glued anew", "Minutes of wear", "Seconds of labels"):
        assert expected in page
    json.dumps(findings.to_dict())


def test_states_that_a_take_does_not_allow(motions, contestants, tmp_path: Path):
    recording = Simulated(motions[0], "head", 900_000, 100.0).load().recording
    store_recordings(tmp_path, [(recording, "test")])
    trials = trials_of(Cast([]), (), stored_takes(tmp_path))
    with pytest.raises(MissingTakeError, match="guided routine"):
        hold_contest(trials, contestants)
    possible = [replace(contestant, if_possible=True) for contestant in contestants]
    findings = hold_contest(trials, possible)
    assert list(findings.entrants["linear"]) == ["neutral"]
    assert "'routine'" in findings.notes[0]


def test_families_are_named_for_readers():
    assert [family_title(name) for name in ("head", "head:301-340", "ict_face", "x")] == [
        "our head",
        "other kinds (head:301-340)",
        "ICT-FaceKit",
        "x",
    ]


def test_a_data_set_is_evaluated_by_its_test_takes(motions, contestants, tmp_path: Path):
    recordings = [Simulated(motion, "head", 900_000, 100.0).load().recording for motion in motions]
    store_recordings(tmp_path, zip(recordings, ("train", "test"), strict=True))
    takes = stored_takes(tmp_path)
    assert [take.position for take in takes] == [1]
    findings = hold_contest(trials_of(Cast([]), (), takes), contestants[:1])
    assert list(findings.contest["linear, neutral"].people) == [motions[1].person]
    assert findings.contest[REST_POSE].overall.lip_mm is None


def test_trials_that_are_asked_for(motions):
    cast = Cast(motions, faces=("head", "other"), subjects=3)
    assert {trial.about for trial in trials_of(cast, ())} == {TAKES}
    trials = trials_of(cast, SPECIAL_TRIALS)
    counts = {about: sum(trial.about == about for trial in trials) for about in SPECIAL_TRIALS}
    assert counts == {
        SENSORS: 12,
        PLACEMENT: 36,
        HELD: 6 * len(HELD_POSES),
        LONG_WEAR: 6,
        REGLUED: 12,
        WEAR_CURVE: 8,
        LABEL_CURVE: 8,
    }
    held_s = [trial.source.motion.duration_s for trial in trials if trial.about == HELD]
    assert sum(seconds > LATE_S for seconds in held_s) == 4 * len(HELD_POSES)
    with pytest.raises(CommandError, match="palmistry"):
        trials_of(cast, ["palmistry"])
    with pytest.raises(CommandError, match="at least one take"):
        hold_contest([], [])


def test_models_of_one_name_are_told_apart(tmp_path: Path):
    def model(title: str, folder: str) -> SimpleNamespace:
        return SimpleNamespace(path=tmp_path / folder, description=SimpleNamespace(title=title))

    models = [model("a 1", "x/a"), model("a 1", "y/a"), model("a 1", "b"), model("c 1", "c")]
    titles = [contestant.title for contestant in contestants_of(models, ["neutral"])]
    with_baselines = contestants_of(models[-1:], ["neutral"], ["examples/own_estimator.py:PlainMap"], baselines=True)
    assert [c.name for c in with_baselines] == ["c 1", "PlainMap", "c 1, no network", "static ridge"]
    assert titles == [
        f"a 1 ({tmp_path}/x/a), neutral",
        f"a 1 ({tmp_path}/y/a), neutral",
        "a 1 (b), neutral",
        "c 1, neutral",
    ]
