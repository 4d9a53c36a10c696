"""Figures of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from face_evaluation import REST_POSE, Evaluation, Score
from face_evaluation.findings import Findings
from face_evaluation.held import GOOD, HELD_POSES, HeldReading
from face_evaluation.long_wear import LongWear
from face_evaluation.states import WEARER_STATES
from face_evaluation.tables import family_title
from face_model import arkit, observability
from imu_sim.realism.html_report import Figure, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

_COLOURS = ("#00798c", "#d1495b", "#edae49", "#7c5cbf", "#66a182", "#8c564b", "#4a5666", "#e377c2")


def _plot(rows: int, columns: int, width: float, height: float) -> tuple[MatplotlibFigure, list[Axes]]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
        axis.set_axisbelow(True)
    return figure, list(axes.flat)


def _coloured(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, _COLOURS[i % len(_COLOURS)]) for i, name in enumerate(names)]


def reliability(contest: Mapping[str, Evaluation]) -> Figure:
    """How often what a confidence claims comes true, and how many claim it."""
    told = {name: evaluation.reliability for name, evaluation in contest.items() if evaluation.reliability}
    figure, (axis, counts) = _plot(1, 2, 11.0, 4.8)
    axis.plot([0.0, 1.0], [0.0, 1.0], color="#4a5666", linewidth=1.0, linestyle="--", label="honest")
    for name, colour in _coloured(told):
        bins = told[name]
        axis.plot([b.claimed for b in bins], [b.came_true for b in bins], "o-", color=colour, label=name)
        share = np.array([b.count for b in bins]) / sum(b.count for b in bins)
        counts.plot([b.low + 0.05 for b in bins], share, "o-", color=colour)
    axis.set(xlabel="confidence", ylabel="share within 0.1 of the truth", xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    counts.set(xlabel="confidence", ylabel="share of weights", xlim=(0.0, 1.0), ylim=(0.0, None))
    axis.legend(fontsize=8)
    return drawn(
        figure, "Reliability, observable shapes: above the broken line a model is too modest, below it boasts."
    )


def shapes(contest: Mapping[str, Evaluation]) -> Figure:
    """Correlation and error of every shape that sensors see, the best seen first."""
    models = {name: evaluation for name, evaluation in contest.items() if name != REST_POSE}
    order = sorted(observability.OBSERVABLE, key=lambda i: -observability.TABLE[i].ratio)
    names = [arkit.BLENDSHAPES[i] for i in order]
    figure, (upper, lower) = _plot(2, 1, 12.0, 7.5)
    width = 0.8 / max(1, len(models))
    for k, (name, colour) in enumerate(_coloured(models)):
        x = np.arange(len(names)) + (k - (len(models) - 1) / 2.0) * width
        upper.bar(x, [models[name].shapes[shape].r for shape in names], width, color=colour, label=name)
        lower.bar(x, [models[name].shapes[shape].mae for shape in names], width, color=colour)
    if REST_POSE in contest:
        resting = [contest[REST_POSE].shapes[shape].mae for shape in names]
        lower.plot(np.arange(len(names)), resting, "_", color="#1c2430", markersize=10, label=REST_POSE)
        lower.legend(fontsize=8)
    upper.set(ylabel="r", ylim=(min(0.0, upper.get_ylim()[0]), 1.0), xlim=(-0.6, len(names) - 0.4))
    upper.set_xticks(np.arange(len(names)), [""] * len(names))
    lower.set(ylabel="mean absolute error", xlim=(-0.6, len(names) - 0.4))
    lower.set_xticks(np.arange(len(names)), names, rotation=90, fontsize=8)
    upper.legend(fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return drawn(
        figure,
        "Correlation and error by shape, those that sensors see best first. No bar: the shape never moved.",
    )


def held(found: Mapping[str, Mapping[str, Mapping[str, HeldReading]]]) -> Figure:
    """Readings of held poses over time, by contestant, family and pose."""
    families = list(dict.fromkeys(family for readings in found.values() for family in readings))
    poses = [pose for pose in HELD_POSES if any(pose in each for of in found.values() for each in of.values())]
    figure, axes = _plot(len(families), len(poses), 3.4 * len(poses), 3.4 * len(families) + 0.6)
    for number, axis in enumerate(axes):
        family, pose = families[number // len(poses)], poses[number % len(poses)]
        readings = {name: each[family][pose] for name, each in found.items() if pose in each.get(family, {})}
        for (name, colour), reading in zip(_coloured(readings), readings.values(), strict=True):
            axis.plot(np.arange(len(reading.curve)) + 0.5, reading.curve, color=colour, linewidth=1.2, label=name)
        if readings:
            truth = next(iter(readings.values())).truth
            axis.axhspan(truth - GOOD, truth + GOOD, color="#66a182", alpha=0.15)
            axis.axhline(truth, color="#1c2430", linewidth=1.0, linestyle="--")
            axis.set(title=f"{family_title(family)}: {pose}, {truth:.1f}", xlabel="held for, s", ylim=(-0.05, 1.1))
    axes[0].set_ylabel("weight, mean over shapes and subjects")
    axes[0].legend(fontsize=7)
    return drawn(figure, f"Expressions held for minutes: truth (broken line), {GOOD} about it (green), readings.")


def by_state(findings: Findings) -> Figure:
    """MAE, r and millimetres of the lips as more is known of the wearer, for each family."""
    entrants = findings.entrants
    states = [state for state in WEARER_STATES if any(state in titles for titles in entrants.values())]
    families = list(dict.fromkeys(family for each in findings.contest.values() for family in each.geometries))
    shown = (("mae", "MAE, all 52"), ("r_observable", "r, observable"), ("lip_mm", "lips, mm"))
    figure, axes = _plot(len(shown), len(families), 4.4 * len(families), 3.0 * len(shown))
    for number, axis in enumerate(axes):
        (key, title), family = shown[number // len(families)], families[number % len(families)]
        for name, colour in _coloured(entrants):
            titles = [entrants[name].get(state) for state in states]
            scores = [findings.contest[title].geometries.get(family) if title else None for title in titles]
            values = [np.nan if score is None else _number(getattr(score, key)) for score in scores]
            axis.plot(np.arange(len(states)), values, "o-", color=colour, label=name, markersize=4)
        resting = getattr(findings.contest[REST_POSE].geometries[family], key)
        if key != "r_observable" and resting is not None:
            axis.axhline(resting, color="#4a5666", linewidth=1.0, linestyle="--", label=REST_POSE)
        axis.set_xticks(np.arange(len(states)), [state.replace("_", "\n") for state in states], fontsize=8)
        axis.set(title=family_title(family) if number < len(families) else "", ylim=(0.0, None))
        if number % len(families) == 0:
            axis.set_ylabel(title)
    axes[0].legend(fontsize=7)
    return drawn(figure, "What more knowledge of the wearer, from left to right, is worth for each kind of face.")


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def curves(found: Mapping[str, Mapping[str, Mapping[str, Mapping[float, Score]]]], about: str) -> Figure:
    """MAE and r along a curve, for each family: by entrant, family and line."""
    families = list(dict.fromkeys(family for each in found.values() for family in each))
    figure, axes = _plot(2, len(families), 4.4 * len(families), 6.4)
    styles = ("o-", "s--", "^:")
    for number, axis in enumerate(axes):
        key, family = ("mae", "r_observable")[number // len(families)], families[number % len(families)]
        for name, colour in _coloured(found):
            for (line, points), style in zip(found[name].get(family, {}).items(), styles, strict=False):
                values = [getattr(score, key) for score in points.values()]
                axis.plot([*points], values, style, color=colour, markersize=4, label=f"{name}, {line}")
        axis.set(title=family_title(family) if number < len(families) else "", xlabel=about, ylim=(0.0, None))
        if number % len(families) == 0:
            axis.set_ylabel(("MAE, all 52", "r, observable")[number // len(families)])
    axes[0].legend(fontsize=7)
    return drawn(figure, f"{about.capitalize()}: error and correlation on takes that were not learned from.")


def long_wear(found: Mapping[str, LongWear]) -> Figure:
    """Error in each minute of long wear."""
    figure, (axis,) = _plot(1, 1, 9.0, 4.0)
    for name, colour in _coloured(found):
        wear = found[name]
        minutes = np.arange(len(wear.minutes)) + 0.5
        axis.plot(minutes, wear.minutes, ".:", color=colour, linewidth=1.0)
        axis.plot(minutes[[0, -1]], [wear.first, wear.last], "o-", color=colour, label=name)
    axis.set(xlabel="minute", ylabel="MAE, observable", ylim=(0.0, None))
    axis.legend(fontsize=8)
    return drawn(
        figure,
        "Ten minutes of wear: circles are the first and the last minute, in which the face does the same; "
        "the minutes between (dots) are other motion.",
    )


def variants(found: Mapping[str, Mapping[str, Score]], caption: str) -> Figure:
    """Error with each variant of sensors."""
    titles = list(dict.fromkeys(title for scores in found.values() for title in scores))
    figure, (left, right) = _plot(1, 2, 11.0, 1.4 + 0.26 * len(titles) * max(1.0, 0.5 * len(found)))
    height = 0.8 / len(found)
    for k, (name, colour) in enumerate(_coloured(found)):
        y = np.arange(len(titles)) + (k - (len(found) - 1) / 2.0) * height
        mae = [found[name][t].mae if t in found[name] else np.nan for t in titles]
        left.barh(y, mae, height, color=colour, label=name)
        lips = [found[name][t].lip_mm if t in found[name] else None for t in titles]
        right.barh(y, [np.nan if v is None else v for v in lips], height, color=colour)
    for axis in (left, right):
        axis.set_yticks(np.arange(len(titles)), titles if axis is left else [""] * len(titles), fontsize=8)
        axis.invert_yaxis()
    left.set_xlabel("MAE, all 52")
    right.set_xlabel("lips, mm")
    left.legend(fontsize=8, ncols=3, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return drawn(figure, caption)
