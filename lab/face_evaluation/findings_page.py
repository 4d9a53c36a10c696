"""The findings as one page with figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from face_evaluation import REST_POSE, figures
from face_evaluation.findings import Findings
from face_evaluation.portraits import portraits
from face_evaluation.tables import (
    Grid,
    contest_grids,
    curve_grid,
    grouped_grid,
    held_grid,
    long_wear_grid,
    misplaced_grid,
    missing_grid,
    protocol_grid,
    reglued_grid,
    shapes_grid,
    state_grids,
)
from face_evaluation.trials import TRUTH, Example
from imu_sim.realism.html_report import Section, Table, write_report

_SHOWN = 6
"""Takes of which faces are shown."""

_MEANING = (
    "Weights run from 0 to 1. MAE is the mean absolute error of all 52, of those that sensors see (seen), of the lower "
    "face, and of the upper face (eyes and brows); relative: less the wearer's own rest, true and estimated. "
    "Millimetres: mean distance of vertices on the typical face of the family.",
    "r: Pearson's correlation, mean over shapes that moved. lower<0.04, upper<0.06: share of frames whose mean error "
    "there is below. Jitter: energy of the acceleration over that of the true face, 1 is as restless as it.",
    "Confidence, seen shapes: mean, share within 0.1 of the truth, which it claims (came true), expected calibration "
    "error. All shapes: share within the 80 % interval that the confidence implies, mean logarithm of the implied "
    "density at the truth.",
    "All figures are means over people (who moved the face), so that nobody counts more for a longer take.",
)


_STATES = (
    "neutral: two still seconds. worn: and five minutes of motion without a label. routine: the guided minute of "
    "prompts. routine_worn: and five minutes of wear. phone: the routine, and two minutes of natural motion in front "
    "of a camera that sees the true weights. phone_real: the same, with a camera that errs as phones do, on a clock "
    "of its own.",
    "The linear estimate is all that a model without its network says; the static ridge is a linear map from the "
    "boards' rotations to the weights, learned from the labelled motion alone.",
)

_REGLUED = "What was learned with one gluing is used with another; the last columns are without taking the boards off."


def write_page(path: Path, findings: Findings, told: str) -> None:
    """Write a self-contained page; folders are made as needed.

    Args:
        path: of the page.
        findings: what was found.
        told: where the takes come from, in a sentence.

    Raises:
        ImuSimError: the file cannot be written.
    """
    write_report(path, "imusic: evaluation", [*_contest(findings, told), *_faces(findings), *_special_trials(findings)])


def _contest(findings: Findings, told: str) -> list[Section]:
    if not findings.contest:
        return []
    contest = findings.contest
    leading = {name: found for name, found in contest.items() if name in findings.leading or name == REST_POSE}
    parts = []
    if len({contestant.state for contestant in findings.contestants}) > 1:
        grids = [_table(grid) for grid in state_grids(findings)]
        parts.append(Section("What is known of the wearer", (told, *_STATES), [figures.by_state(findings)], grids))
    tables = [*map(_table, contest_grids(findings)), _table(protocol_grid(findings))]
    tables.append(_table(grouped_grid(findings, "people", "By person")))
    parts.append(Section("Scores", (told, *_MEANING, *findings.notes), tables=tables))
    if len(leading) > 1:
        by_shape = Table(*_cells(shapes_grid(findings)), folded=True)
        parts.append(Section("By blendshape", figures=[figures.shapes(leading)], tables=[by_shape]))
        parts.append(Section("Confidence", figures=[figures.reliability(leading)]))
    return parts


def _faces(findings: Findings) -> list[Section]:
    wanted = {*findings.leading, TRUTH}
    examples = [{name: e for name, e in example.items() if name in wanted} for example in findings.examples]
    known = [example for example in examples if example and next(iter(example.values())).face]
    # Spread over the takes: they are sorted by motion and face.
    step = max(1, -(-len(known) // _SHOWN))
    shown: list[Mapping[str, Example]] = list(known[::step])
    return [Section("Faces", figures=[portraits(example) for example in shown])] if shown else []


def _special_trials(findings: Findings) -> list[Section]:
    parts = []
    if findings.held:
        grid = _table(held_grid(findings))
        held = {name: found for name, found in findings.held.items() if name in findings.leading} or findings.held
        parts.append(Section("Held expressions", figures=[figures.held(held)], tables=[grid]))
    if findings.reglued:
        parts.append(Section("Glued anew", (_REGLUED,), tables=[_table(reglued_grid(findings))]))
    for about, curves in findings.curves.items():
        figure = figures.curves(curves, about)
        parts.append(Section(about.capitalize(), figures=[figure], tables=[_table(curve_grid(findings, about))]))
    if findings.long_wear:
        grid = _table(long_wear_grid(findings))
        parts.append(Section("Long wear", figures=[figures.long_wear(findings.long_wear)], tables=[grid]))
    if findings.sensors:
        figure = figures.variants(findings.sensors, "Error with sensors missing from the start.")
        parts.append(Section("Missing sensors", figures=[figure], tables=[_table(missing_grid(findings))]))
    if findings.placement:
        figure = figures.variants(findings.placement, "Error by the largest distance of a board from its place.")
        parts.append(Section("Misplaced sensors", figures=[figure], tables=[_table(misplaced_grid(findings))]))
    return parts


def _table(grid: Grid) -> Table:
    return Table(*_cells(grid))


def _cells(grid: Grid) -> tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]:
    return grid.title, tuple(grid.header), tuple(tuple(row) for row in grid.rows)
