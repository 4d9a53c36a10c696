"""Findings as tables: once for the terminal, once for the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from face_evaluation import HEADLINE, REST_POSE, Evaluation, Score
from face_evaluation.ablation import ALL_SENSORS
from face_evaluation.findings import Curve, Findings
from face_evaluation.held import EARLY_S, HELD_POSES, LATE_S
from face_evaluation.states import WEARER_STATES
from face_evaluation.trials import LABEL_CURVE, WEAR_CURVE
from face_model import arkit
from face_model.faces import HEAD

COLUMNS = {
    "errors": (
        ("MAE", "mae"),
        ("seen", "mae_observable"),
        ("lower", "mae_lower"),
        ("upper", "mae_upper"),
        ("relative", "mae_relative"),
        ("face mm", "face_mm"),
        ("lips mm", "lip_mm"),
    ),
    "likeness": (
        ("r", "r_observable"),
        ("r clearly", "r_clearly"),
        ("lower<0.04", "good_lower"),
        ("upper<0.06", "good_upper"),
        ("jitter", "jitter_ratio"),
        ("lag s", "lag_s"),
    ),
    "confidence": (
        ("mean", "confidence_mean"),
        ("came true", "share_within"),
        ("ECE", "calibration_error"),
        ("in 80 %", "coverage_80"),
        ("log lik.", "log_likelihood"),
    ),
}
"""Titles and numbers of a score by subject: each fits a terminal of 80 columns beside the contestants' names."""

BY_STATE = (
    ("MAE of all 52", "mae"),
    ("r of the observable", "r_observable"),
    ("lips, mm", "lip_mm"),
    ("face, mm", "face_mm"),
    ("share in 80 % intervals", "coverage_80"),
    ("confidence claimed", "confidence_mean"),
    ("confidence that came true", "share_within"),
    ("jitter", "jitter_ratio"),
)
"""What is shown for each family, entrant and state of knowledge."""

_PROTOCOL = ("mae", "r_observable", "face_mm", "lip_mm")
_PROTOCOL_HEADER = ("MAE, all 52", "r, observable", "face mm", "lips mm")


@dataclass(frozen=True)
class Grid:
    """A table: title, header, rows of text."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def grids(findings: Findings) -> Iterator[Grid]:
    """All tables there is something to show in, for the terminal."""
    if findings.contest:
        if len({contestant.state for contestant in findings.contestants}) > 1:
            for key in ("mae", "r_observable", "lip_mm", "coverage_80", "jitter_ratio"):
                yield state_grid(findings, key)
        else:
            yield from contest_grids(findings)
            yield protocol_grid(findings)
    if findings.held:
        yield held_grid(findings)
    if findings.reglued:
        yield reglued_grid(findings)
    for about in findings.curves:
        yield curve_grid(findings, about)
    if findings.long_wear:
        yield long_wear_grid(findings)
    if findings.sensors:
        yield missing_grid(findings)
    if findings.placement:
        yield misplaced_grid(findings)


def family_title(name: str) -> str:
    """A family as readers know it."""
    if name == HEAD:
        return "our head"
    if name.startswith(f"{HEAD}:"):
        return f"other kinds ({name})"
    return "ICT-FaceKit" if name == "ict_face" else name


def state_grids(findings: Findings) -> Iterator[Grid]:
    """One for each figure: families and entrants as rows, states of knowledge as columns."""
    return (state_grid(findings, key) for _, key in BY_STATE)


def state_grid(findings: Findings, key: str) -> Grid:
    """One figure of `BY_STATE`: families and entrants as rows, states of knowledge as columns."""
    entrants = findings.entrants
    states = [state for state in WEARER_STATES if any(state in titles for titles in entrants.values())]
    rows = []
    families = dict.fromkeys(family for found in findings.contest.values() for family in found.geometries)
    for family in families:
        resting = findings.contest[REST_POSE].geometries[family]
        if not math.isnan(getattr(resting, key) or math.nan) and key != "jitter_ratio":
            rows.append((family_title(family), REST_POSE, *(text(getattr(resting, key)) for _ in states)))
        for name, titles in entrants.items():
            found = [findings.contest[titles[state]] if state in titles else None for state in states]
            cells = [_of_family(each, family, key) for each in found]
            if any(cells):
                rows.append((family_title(family), name, *cells))
    title = next(title for title, each in BY_STATE if each == key)
    return Grid(f"{title}: mean over people never seen, by what is known of them", ("", "", *states), rows)


def _of_family(evaluation: Evaluation | None, family: str, key: str) -> str:
    if evaluation is None or family not in evaluation.geometries:
        return ""
    return text(getattr(evaluation.geometries[family], key))


def reglued_grid(findings: Findings) -> Grid:
    """One row for each family and contestant: what a profile is worth once the boards were glued on anew."""
    rows = []
    for family in next(iter(findings.reglued.values())).geometries:
        for name, evaluation in findings.reglued.items():
            score = evaluation.geometries[family]
            before = findings.contest.get(name)
            fitting = _of_family(before, family, "mae"), _of_family(before, family, "r_observable")
            cells = (score.mae, score.r_observable, score.lip_mm, score.confidence_mean, score.share_within)
            rows.append((family_title(family), name, *(text(value) for value in cells), *fitting))
    header = ("", "", "MAE", "r", "lips mm", "confidence", "came true", "MAE with the old gluing", "r")
    return Grid("Glued anew: what was learned before the boards were taken off is used after it", header, rows)


def curve_grid(findings: Findings, about: str) -> Grid:
    """One row for each family, entrant and line of a curve: MAE / r at each of its points."""
    rows: list[tuple[str, str, str, Curve]] = []
    points: list[float] = []
    for name, families in findings.curves[about].items():
        for family, lines in families.items():
            for line, curve in lines.items():
                points = points if len(points) > len(curve) else [*curve]
                rows.append((family_title(family), name, line, curve))
    unit = {WEAR_CURVE: "min", LABEL_CURVE: "s"}[about]
    cells = [
        (family, name, line, *(_mae_and_r(curve[at]) if at in curve else "" for at in points))
        for family, name, line, curve in sorted(rows, key=lambda row: row[0])
    ]
    return Grid(f"{about.capitalize()}: MAE / r", ("", "", "", *(f"{at:g} {unit}" for at in points)), cells)


def contest_grids(findings: Findings) -> Iterator[Grid]:
    """For each subject one row for each contestant, the rest pose first: mean over people."""
    for subject, columns in COLUMNS.items():
        rows = [
            (name, *(text(getattr(evaluation.overall, key)) for _, key in columns))
            for name, evaluation in findings.contest.items()
        ]
        header = ("", *(title for title, _ in columns))
        yield Grid(f"Played against estimated weights, mean over people: {subject}", header, rows)


def protocol_grid(findings: Findings) -> Grid:
    """One row for each kind of face and contestant."""
    return grouped_grid(findings, "geometries", "By geometry: mean over people never seen")


def grouped_grid(findings: Findings, groups: str, title: str) -> Grid:
    """One row for each group, `people` or `geometries`, and contestant."""
    found = {name: getattr(evaluation, groups) for name, evaluation in findings.contest.items()}
    rows = [
        (group, name, *(text(getattr(found[name][group], key)) for key in _PROTOCOL))
        for group in next(iter(found.values()))
        for name in found
    ]
    return Grid(title, ("", "", *_PROTOCOL_HEADER), rows)


def shapes_grid(findings: Findings) -> Grid:
    """One row for each blendshape: r and MAE of each contestant."""
    header = ("", *(f"{name}, {figure}" for name in findings.contest for figure in ("r", "MAE")))
    rows = []
    for shape in arkit.BLENDSHAPES:
        scores = [evaluation.shapes[shape] for evaluation in findings.contest.values()]
        rows.append((shape, *(text(value) for score in scores for value in (score.r, score.mae))))
    return Grid("By blendshape; without r: it never moved", header, rows)


def long_wear_grid(findings: Findings) -> Grid:
    """One row for each contestant."""
    rows = [
        (name, text(wear.first), text(wear.last), f"{100.0 * (wear.growth - 1.0):+.0f} %")
        for name, wear in findings.long_wear.items()
    ]
    return Grid("Ten minutes: MAE, observable", ("", "first minute", "last minute", "more"), rows)


def missing_grid(findings: Findings) -> Grid:
    """One row for each contestant and set of missing sensors."""
    return _variants_grid("Missing sensors", findings.sensors, ALL_SENSORS)


def misplaced_grid(findings: Findings) -> Grid:
    """One row for each contestant and error of placement."""
    return _variants_grid("Misplaced sensors: largest distance", findings.placement, "0 mm")


def _mae_and_r(score: Score) -> str:
    return f"{score.mae:.3f} / {score.r_observable:.2f}"


def held_grid(findings: Findings) -> Grid:
    """One row for each family, pose and contestant."""
    families = dict.fromkeys(family for found in findings.held.values() for family in found)
    rows = [
        (
            family_title(family),
            pose,
            name,
            *(text(v) for v in (held.truth, held.early, held.late, held.bias, held.decay, held.worst)),
        )
        for family in families
        for pose in HELD_POSES
        for name, found in findings.held.items()
        if (held := found.get(family, {}).get(pose)) is not None
    ]
    header = ("", "held", "", "true", f"after {EARLY_S:g} s", f"after {LATE_S:g} s", "bias", "decay", "worst")
    return Grid("Held expressions, mean over subjects", header, rows)


def _variants_grid(title: str, found: Mapping[str, Mapping[str, Score]], usual: str) -> Grid:
    """One row for each contestant and variant, and how much more error than with `usual` there is."""
    rows = []
    for name, variants in found.items():
        base = variants.get(usual)
        for variant, score in variants.items():
            more = "" if base is None or name == REST_POSE else f"{100.0 * (score.mae / base.mae - 1.0):+.0f} %"
            rows.append((name, variant, *(text(getattr(score, key)) for key in _PROTOCOL), more))
    return Grid(title, ("", "", *_PROTOCOL_HEADER, "more error"), rows)


def text(value: float | None) -> str:
    """Three decimals; nothing for what is no number."""
    return "" if value is None or math.isnan(value) else f"{value:.3f}"


def evaluation_table(evaluation: Evaluation, title: str = "Played against estimated weights") -> Table:
    """One row per figure, one column per person, the rest pose beside the model."""
    people = evaluation.people
    table = Table("figure", *people, "mean over people", "mean, rest pose", title=title)
    rows: list[tuple[str, str, str | None]] = [
        ("MAE, all 52", "mae", "rest_mae"),
        ("MAE, observable", "mae_observable", "rest_mae_observable"),
        ("r, observable", "r_observable", None),
        ("face, mm", "face_mm", "rest_face_mm"),
        ("lips, mm", "lip_mm", "rest_lip_mm"),
        ("jitter ratio", "jitter_ratio", None),
        ("lag, s", "lag_s", None),
        ("confidence", "confidence_mean", None),
        ("within 0.1", "share_within", None),
    ]
    for title, key, rest in rows:
        cells = [_text(getattr(score, key)) for score in (*people.values(), evaluation.overall)]
        table.add_row(title, *cells, _text(getattr(evaluation.overall, rest)) if rest else "")
    table.add_section()
    for name in HEADLINE:  # JSON has all shapes
        table.add_row(f"r, {name}", *(_r(score, name) for score in (*people.values(), evaluation.overall)), "")
    return table


def _r(score: Score, name: str) -> str:
    return _text(score.r[name]) if name in score.r else "did not move"


def _text(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.3f}"
