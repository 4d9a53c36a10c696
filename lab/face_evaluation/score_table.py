"""Evaluations as tables."""

from __future__ import annotations

import math

from rich.table import Table

from face_evaluation import HEADLINE, Evaluation, Score


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
