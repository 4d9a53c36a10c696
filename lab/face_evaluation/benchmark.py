"""The benchmark: a protocol that stays as it is under one name and version, and a file of results that grows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from face_evaluation import REST_POSE, Score
from face_evaluation.contest import KINDS, Cast, ict_face
from face_evaluation.findings import Findings
from face_evaluation.groups import plain
from face_evaluation.held import HeldReading
from face_evaluation.motions import RANGE_OF_MOTION, UNSEEN_SUBJECT, motions_of, shared_folder
from face_evaluation.sources import LAYOUT, PLACEMENT_M
from face_evaluation.states import STATES, WEARER_STATES
from face_evaluation.trials import HELD, LABEL_CURVE, REGLUED, WEAR_CURVE, Contestant
from face_model.faces import HEAD
from face_model.outputs import write_whole
from imusic_cli.errors import CommandError

NAME: Final = "imusic-face-imu"
VERSION: Final = "1.0"
"""Raised whenever a figure of an unchanged estimator would change: by other takes, subjects, physics or metrics."""

TAKES: Final = ("person_b_wide.csv", "person_c_short.csv")
"""Recorded faces of people whom nobody may train on: B and C."""

WEARERS: Final = 6
"""Of each family: anatomy, gluing and sensors' errors differ."""

RATE_HZ: Final = 100.0

SPECIAL: Final = (HELD, REGLUED, WEAR_CURVE, LABEL_CURVE)

_SAME: Final = 0.002
"""Largest difference of the rest pose's figures, relative, at which takes are the same but for rounding."""

_SCORES: Final = (
    "mae",
    "mae_observable",
    "r_observable",
    "face_mm",
    "lip_mm",
    "jitter_ratio",
    "lag_s",
    "confidence_mean",
    "share_within",
    "coverage_80",
    "log_likelihood",
)
_DIGITS: Final = 4


def benchmark_cast(subjects: int | None = None) -> Cast:
    """Who plays what; with fewer `subjects` for a look, whose figures are not those of the benchmark.

    Raises:
        CommandError: the shared data is not there.
    """
    face = ict_face()
    if face is None:
        raise CommandError(
            "expected the unseen face and the recorded people of the benchmark in ../shared/data, or where "
            "IMUSIC_SHARED points, found no data/face_ict/ict_face.npz; without them: imusic evaluate"
        )
    return Cast(motions_of(_paths(TAKES)), (HEAD, str(face), KINDS), subjects or WEARERS, RATE_HZ)


def protocol() -> dict[str, Any]:
    """What decides the figures, as it stands in a file of results.

    Raises:
        CommandError: the recorded takes are not there.
    """
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in _paths((*TAKES, *RANGE_OF_MOTION))}
    return {
        "takes": {name: files[name] for name in TAKES},
        "labelled_motion": {name: files[name] for name in RANGE_OF_MOTION},
        "families": [HEAD, "ict_face", KINDS],
        "wearers": [UNSEEN_SUBJECT + i for i in range(WEARERS)],
        "layout": LAYOUT,
        "placement_m": PLACEMENT_M,
        "rate_hz": RATE_HZ,
        "states": {state: asdict(STATES[state]) for state in WEARER_STATES},
    }


def results_of(findings: Findings, decided: Mapping[str, Any]) -> dict[str, Any]:
    """One run's results; `decided` is the `protocol`."""
    by_name: dict[str, list[Contestant]] = {}
    for contestant in findings.contestants:
        by_name.setdefault(contestant.name, []).append(contestant)
    rest = findings.contest[REST_POSE]
    resting = [_scores(family, None, score) for family, score in rest.geometries.items()]
    entries: list[dict[str, Any]] = [{"name": REST_POSE, "kind": "rest", "results": resting}]
    entries += [_entry(findings, name, who) for name, who in by_name.items()]
    content = {"benchmark": NAME, "version": VERSION, "protocol": decided, "entries": entries}
    return dict(plain(content))


def check_results(path: Path, decided: Mapping[str, Any]) -> dict[str, Any]:
    """What is in a file of results, by name of the entry; nothing if there is no file.

    Raises:
        CommandError: it is no such file, or of another benchmark, version or protocol.
    """
    if not path.exists():
        return {}
    try:
        before = json.loads(path.read_text())
        entries = {str(entry["name"]): entry for entry in before["entries"]}
        its = (before["benchmark"], before["version"], before["protocol"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(
            f"expected results of {NAME} in {path}, found {error!r}; give another file with --results"
        ) from error
    # As it would come back from a file.
    ours = (NAME, VERSION, json.loads(json.dumps(decided)))
    for what, expected, found in zip(("benchmark", "version", "protocol"), ours, its, strict=True):
        if found != expected:
            raise CommandError(
                f"expected results of {NAME} {VERSION} by the same protocol in {path}, found another {what}; "
                "give another file with --results"
            )
    return entries


def extended(path: Path, results: dict[str, Any]) -> dict[str, Any]:
    """`results` and the entries of other names in a file that is there already.

    Raises:
        CommandError: see `check_results`; or its rest pose has other figures, so that it is of other takes.
    """
    entries = check_results(path, results["protocol"])
    resting = {found["family"]: found for found in entries.get(REST_POSE, {}).get("results", ())}
    for mine in results["entries"][0]["results"]:
        theirs = resting.get(mine["family"], mine)
        for key in ("mae", "lip_mm"):
            if not _alike(mine[key], theirs.get(key)):
                raise CommandError(
                    f"expected the rest pose on {mine['family']} to have {key} {mine[key]} in {path}, found "
                    f"{theirs.get(key)}: these are other takes; compare results of one version of this package"
                )
    together = entries | {entry["name"]: entry for entry in results["entries"]}
    return results | {"entries": [*together.values()]}


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    """Write a file of results; folders are made as needed.

    Raises:
        OutputError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda part: part.write_text(json.dumps(results, indent=1) + "\n"))


def _paths(names: Sequence[str]) -> list[Path]:
    shared = shared_folder()
    folder = shared / "data" / "motion_arkit" if shared else None
    missing = [name for name in names if folder is None or not (folder / name).is_file()]
    if folder is None or missing:
        raise CommandError(
            f"expected the benchmark's recorded takes in {folder or '../shared/data/motion_arkit'}, found no "
            f"{missing[0]}; set IMUSIC_SHARED"
        )
    return [folder / name for name in names]


def _entry(findings: Findings, name: str, who: Sequence[Contestant]) -> dict[str, Any]:
    def states(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
        return [(contestant.state, found[contestant.title]) for contestant in who if contestant.title in found]

    return {
        "name": name,
        "kind": who[0].entrant.kind,
        "results": [
            _scores(family, state, score)
            for state, evaluation in states(findings.contest)
            for family, score in evaluation.geometries.items()
        ],
        "held": [
            {"family": family, "state": state} | _reading(reading)
            for state, families in states(findings.held)
            for family, poses in families.items()
            for reading in poses.values()
        ],
        "glued_anew": [
            _scores(family, state, score)
            for state, evaluation in states(findings.reglued)
            for family, score in evaluation.geometries.items()
        ],
        "curves": [
            {"about": about, "line": line, "at": at} | _scores(family, None, score)
            for about, entrants in findings.curves.items()
            for family, lines in entrants.get(name, {}).items()
            for line, points in lines.items()
            for at, score in points.items()
        ],
    }


def _scores(family: str, state: str | None, score: Score) -> dict[str, Any]:
    numbers = {key: getattr(score, key) for key in _SCORES}
    where = {"family": family} | ({} if state is None else {"state": state})
    return where | {key: value if value is None else round(value, _DIGITS) for key, value in numbers.items()}


def _reading(reading: HeldReading) -> dict[str, Any]:
    names = ("truth", "early", "late", "decay", "worst")
    return {"pose": reading.pose} | {name: round(getattr(reading, name), _DIGITS) for name in names}


def _alike(mine: float | None, theirs: object) -> bool:
    if mine is None:
        return theirs is None
    return isinstance(theirs, int | float) and abs(mine - theirs) <= _SAME * abs(mine)
