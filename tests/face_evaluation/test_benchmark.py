"""Results of the benchmark: written, read back, extended by others, and refused where they do not compare."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face_evaluation import REST_POSE, take_result
from face_evaluation.benchmark import (
    NAME,
    TAKES,
    VERSION,
    benchmark_cast,
    check_results,
    extended,
    protocol,
    results_of,
    write_results,
)
from face_evaluation.entrants import EntrantSpec
from face_evaluation.findings import Findings, collected
from face_evaluation.trials import TAKES as ABOUT_TAKES
from face_evaluation.trials import Contestant, TrialOutcome
from imusic_cli.errors import CommandError

SHARED = Path(os.environ.get("IMUSIC_SHARED", Path(__file__).resolve().parents[3] / "shared"))
DECIDED = {"takes": {"a.csv": "12"}, "wearers": [900_000]}


def found(name: str, error: float = 0.1, level: float = 0.3) -> Findings:
    truth = np.random.default_rng(1).uniform(0.0, 2.0 * level, (50, 52)).astype(np.float32)
    contestant = Contestant(EntrantSpec("class", "m:C"), name, "neutral")
    outcomes = [
        TrialOutcome(ABOUT_TAKES, "", who, take_result(truth, weights, None, 100.0, person="b", geometry="head"))
        for who, weights in ((REST_POSE, np.zeros_like(truth)), (contestant.title, truth + error))
    ]
    return collected(outcomes, [contestant])


def results(name: str, **changes: float) -> dict[str, Any]:
    return results_of(found(name, **changes), DECIDED)


def test_a_file_of_results_grows_by_the_entries_of_others(tmp_path: Path):
    path = tmp_path / "new" / "results.json"
    assert check_results(path, DECIDED) == {}
    write_results(path, extended(path, results("mine", error=0.2)))
    write_results(path, extended(path, results("theirs")))
    write_results(path, extended(path, results("mine", error=0.05)))
    content = json.loads(path.read_text())
    assert (content["benchmark"], content["version"]) == (NAME, VERSION)
    assert [entry["name"] for entry in content["entries"]] == [REST_POSE, "mine", "theirs"]
    mine = content["entries"][1]["results"]
    assert [(row["family"], row["state"], row["mae"]) for row in mine] == [("head", "neutral", 0.05)]
    assert mine[0]["confidence_mean"] is None
    assert mine[0]["r_observable"] == 1.0


def test_results_that_do_not_compare_are_refused(tmp_path: Path):
    path = tmp_path / "results.json"
    write_results(path, results("mine"))
    with pytest.raises(CommandError, match="other takes"):
        extended(path, results("theirs", level=0.4))
    with pytest.raises(CommandError, match="another protocol"):
        check_results(path, DECIDED | {"wearers": [1]})
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"version": "0.9"}))
    with pytest.raises(CommandError, match="another version"):
        check_results(path, DECIDED)
    for damage in ("", "[]", '{"entries": 3}', '{"entries": [1]}'):
        path.write_text(damage)
        with pytest.raises(CommandError, match=r"results\.json"):
            check_results(path, DECIDED)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no recorded motion at {SHARED}")
def test_the_protocol_is_what_it_was():
    decided = protocol()
    assert list(decided["takes"]) == list(TAKES)
    assert json.loads(json.dumps(decided)) == decided
    cast = benchmark_cast()
    assert [motion.person for motion in cast.motions] == ["person_b", "person_c"]
    assert len(cast.faces) == len(decided["families"]) == 3
    assert [seed for _, seed in cast.drawn()][:6] == decided["wearers"]
    assert len([*benchmark_cast(1).drawn()]) == 3
    stored = Path(__file__).resolve().parents[2] / "docs" / "benchmark.json"
    if stored.is_file():
        assert check_results(stored, decided)


def test_without_the_shared_data_it_says_what_is_missing(monkeypatch, tmp_path: Path):
    monkeypatch.setattr("face_evaluation.contest.shared_folder", lambda: None)
    monkeypatch.setattr("face_evaluation.benchmark.shared_folder", lambda: None)
    with pytest.raises(CommandError, match="IMUSIC_SHARED"):
        benchmark_cast()
    with pytest.raises(CommandError, match="IMUSIC_SHARED"):
        protocol()
