"""Findings as tables: once for the terminal, once for the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from face_evaluation import HEADLINE, REST_POSE, Evaluation, Score
from face_evaluation.ablation import ALL_SENSORS
from face_evaluation.findings import Findings
from face_evaluation.held import EARLY_S, LATE_S
from face_model import arkit

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
        yield from contest_grids(findings)
        yield protocol_grid(findings)
    if findings.held:
        yield held_grid(findings)
    if findings.long_wear:
        yield long_wear_grid(findings)
    if findings.sensors:
        yield missing_grid(findings)
    if findings.placement:
        yield misplaced_grid(findings)


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


def held_grid(findings: Findings) -> Grid:
    """One row for each contestant and pose."""
    rows = [
        (name, pose, *(text(v) for v in (held.truth, held.early, held.late, held.bias, held.decay, held.worst)))
        for name, poses in findings.held.items()
        for pose, held in poses.items()
    ]
    header = ("", "held", "true", f"after {EARLY_S:g} s", f"after {LATE_S:g} s", "bias", "decay", "worst")
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
