"""The picture of a run: its losses and how people it does not see fare, over the steps of all stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from face_training.loss import PARTS
from face_training.run_folder import CURVES, RunFolder

FloatArray = NDArray[np.float64]

_MAY_BE_NEGATIVE = ("loss", "likelihood")
"""A likelihood may be, and so may the sum; all else is a mean of squares."""

_POINTS = 400
"""Each curve is drawn as means over so many equal parts of the run: noise hides, and drawing costs the same always."""


def draw_curves(run: RunFolder) -> None:
    """Replace `curves.png` of a run with what its log says so far."""
    entries = list(run.entries())
    if not entries:
        return
    figure = Figure(figsize=(9.0, 10.0), layout="constrained")
    costs, likelihood, errors, correlation = figure.subplots(4, 1, sharex=True)
    _draw_parts(costs, entries, [part for part in PARTS if part not in _MAY_BE_NEGATIVE])
    costs.set_yscale("log")
    _draw_parts(likelihood, entries, _MAY_BE_NEGATIVE)
    checked = [i for i, entry in enumerate(entries) if "validation_mae" in entry]
    for key, name in (("validation_mae", "all 52 shapes"), ("validation_mae_observable", "shapes that IMUs see")):
        errors.plot(checked, [entries[i][key] for i in checked], marker=".", label=name)
    correlation.plot(checked, [entries[i]["validation_r"] for i in checked], marker=".", color="C2")
    errors.set_ylabel("validation MAE")
    errors.legend()
    correlation.set_ylabel("validation r")
    correlation.set_xlabel("step")
    for axes in (costs, likelihood, errors, correlation):
        _mark_stages(axes, entries)
    part = run.path / f".{CURVES}"
    figure.savefig(part, dpi=80, format="png")
    part.replace(run.path / CURVES)


def _draw_parts(axes: Axes, entries: list[dict[str, Any]], parts: Sequence[str]) -> None:
    for part in parts:
        values = np.array([entry[part] for entry in entries], dtype=np.float64)
        values[values == 0.0] = np.nan  # not part of this stage's loss
        if not np.all(np.isnan(values)):
            axes.plot(*_thinned(values), label=part)
    axes.set_ylabel("training loss")
    axes.legend(ncols=len(parts))


def _thinned(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Middles and means of at most `_POINTS` runs of values."""
    parts = np.array_split(np.arange(len(values)), min(_POINTS, len(values)))
    return np.array([part.mean() for part in parts]), np.array([values[part].mean() for part in parts])


def _mark_stages(axes: Axes, entries: list[dict[str, Any]]) -> None:
    axes.grid(alpha=0.3)
    for i in range(1, len(entries)):
        if entries[i]["stage"] != entries[i - 1]["stage"]:
            axes.axvline(i, color="black", linewidth=0.8)
            axes.annotate(entries[i]["stage"], (i, 1.0), xycoords=("data", "axes fraction"), fontsize=8, va="top")
