"""Figures of facial motion."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from face_model import arkit
from imu_sim.motion import FaceMotion
from imu_sim.realism.comparison import SKIN
from imu_sim.realism.html_report import Figure, drawn
from imu_sim.realism.statistics import BANDS_HZ, MotionStatistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

_COLOURS = ("#1f2937", "#d1495b", "#00798c", "#edae49", "#66a182", "#7c5cbf")
_MARKERS = ("o", "s", "^", "D", "v", "P")

_SHOWN = ("jawOpen", "mouthSmileLeft", "mouthPucker", "mouthFunnel", "mouthPressLeft", "browInnerUp", "browDownLeft",
          "eyeBlinkLeft")  # fmt: skip


def _plot(rows: int, columns: int, width: float, height: float) -> tuple[MatplotlibFigure, list[Axes]]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False)
    return figure, list(axes.flat)


def weight_levels(everybody: Mapping[str, MotionStatistics]) -> Figure:
    """Middle and upper range of every skin shape."""
    figure, (axis,) = _plot(1, 1, 12.0, 5.0)
    places = np.arange(len(SKIN))
    width = 0.8 / len(everybody)
    for k, (name, s) in enumerate(everybody.items()):
        low, middle, high = (np.quantile(s.quantiles[:, SKIN], q, axis=0) for q in (0.1, 0.5, 0.95))
        x = places + (k - (len(everybody) - 1) / 2.0) * width
        axis.vlines(x, low, high, color=_COLOURS[k], linewidth=2.0, label=name)
        axis.plot(x, middle, ".", color=_COLOURS[k], markersize=5)
    axis.set_xticks(places, [arkit.BLENDSHAPES[i] for i in SKIN], rotation=90, fontsize=8)
    axis.set(ylabel="weight", ylim=(0.0, 1.05), xlim=(-0.7, len(SKIN) - 0.3))
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(everybody))
    return drawn(figure, "Weights of the skin shapes: 10th percentile, median (dot) and 95th percentile of time.")


def speeds(everybody: Mapping[str, MotionStatistics]) -> Figure:
    """Speed of every skin shape while it moves: median and 95th percentile over time."""
    figure, (axis,) = _plot(1, 1, 12.0, 4.6)
    places = np.arange(len(SKIN))
    for k, (name, s) in enumerate(everybody.items()):
        axis.plot(
            places, s.speed[2][SKIN], _MARKERS[k], color=_COLOURS[k], label=f"{name}, 95th percentile", markersize=5
        )
        axis.plot(places, s.speed[0][SKIN], _MARKERS[k], color=_COLOURS[k], alpha=0.35, markersize=4)
    axis.set_xticks(places, [arkit.BLENDSHAPES[i] for i in SKIN], rotation=90, fontsize=8)
    axis.set(yscale="log", ylabel="|dw/dt| while moving, 1/s", ylim=(0.05, 30.0), xlim=(-0.7, len(SKIN) - 0.3))
    axis.legend(loc="upper left", ncols=len(everybody), fontsize=8)
    return drawn(figure, "Speed of the weights while they move: 95th percentile, and the median in pale.")


def spectra(everybody: Mapping[str, MotionStatistics]) -> Figure:
    """Share of power by band."""
    figure, (axis,) = _plot(1, 1, 8.0, 4.0)
    labels = [f"{a:g}-{b:g}" for a, b in itertools.pairwise(BANDS_HZ)]
    width = 0.8 / len(everybody)
    for k, (name, s) in enumerate(everybody.items()):
        moving = SKIN[s.deviation[SKIN] > 0.02]
        x = np.arange(len(labels)) + (k - (len(everybody) - 1) / 2.0) * width
        axis.bar(x, s.bands[:, moving].mean(axis=1), width, color=_COLOURS[k], label=name)
    axis.set_xticks(np.arange(len(labels)), labels)
    axis.set(xlabel="frequency, Hz", ylabel="share of power")
    axis.legend()
    return drawn(figure, "Power spectrum of the weights, mean share of each band over the skin shapes that move.")


def durations(everybody: Mapping[str, MotionStatistics]) -> Figure:
    """Distribution of the durations of events and of blinks."""
    figure, (events, blinks) = _plot(1, 2, 11.0, 4.0)
    for k, (name, s) in enumerate(everybody.items()):
        for axis, values in ((events, np.concatenate([s.event_s[i] for i in SKIN])), (blinks, s.blink_s)):
            if len(values):
                share = np.arange(1, len(values) + 1) / len(values)
                axis.step(np.sort(values), share, where="post", color=_COLOURS[k], label=f"{name} ({len(values)})")
    events.set(xscale="log", xlabel="excursion above 0.3, s", ylabel="share that is shorter", ylim=(0.0, 1.0))
    blinks.set(xlabel="blink at half depth, s", xlim=(0.0, 0.4), ylim=(0.0, 1.0))
    events.legend(loc="upper left", fontsize=8)
    blinks.legend(loc="lower right", fontsize=8)
    return drawn(figure, "How long shapes stay up (all skin shapes together) and how long blinks last; number of each.")


def correlation_matrices(everybody: Mapping[str, MotionStatistics]) -> Figure:
    """Correlation of all pairs of skin shapes."""
    figure, axes = _plot(1, len(everybody), 4.2 * len(everybody) + 1.0, 5.2)
    for axis, (name, s) in zip(axes, everybody.items(), strict=True):
        image = axis.imshow(s.correlation[np.ix_(SKIN, SKIN)], vmin=-1.0, vmax=1.0, cmap="RdBu_r")
        axis.set_title(name)
        axis.set_xticks([])
        axis.set_yticks(
            np.arange(len(SKIN)), [arkit.BLENDSHAPES[i] for i in SKIN] if axis is axes[0] else [], fontsize=6
        )
    figure.colorbar(image, ax=axes, shrink=0.8, label="correlation")
    return drawn(figure, "Correlation between the skin shapes: red come together, blue exclude each other.")


def time_courses(takes: Mapping[str, FaceMotion], start_s: float = 30.0, length_s: float = 20.0) -> Figure:
    """Some weights of each take over `length_s` seconds."""
    figure, axes = _plot(len(_SHOWN), len(takes), 6.0 * len(takes), 0.9 * len(_SHOWN) + 0.6)
    for column, (name, motion) in enumerate(takes.items()):
        times = np.arange(motion.samples) / motion.rate_hz
        shown = (times >= start_s) & (times <= start_s + length_s)
        for row, shape in enumerate(_SHOWN):
            axis = axes[row * len(takes) + column]
            axis.plot(times[shown], motion.weights[shown, arkit.INDEX[shape]], color=_COLOURS[column], linewidth=1.0)
            axis.set(ylim=(-0.03, 1.05), yticks=(0.0, 1.0))
            axis.text(0.01, 0.97, shape, transform=axis.transAxes, va="top", fontsize=8)
            if row < len(_SHOWN) - 1:
                axis.set_xticks([])
        axes[column].set_title(name)
        axes[(len(_SHOWN) - 1) * len(takes) + column].set_xlabel("s")
    return drawn(figure, "Twenty seconds of one generated performance and of one recorded take.")
