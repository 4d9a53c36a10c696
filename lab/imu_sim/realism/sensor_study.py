"""What units feel, as sections of the report: four expressions in time, and all 52 blendshapes in one chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from face_model import arkit
from face_model.layout import SensorLayout, load_layout
from face_model.observability import CLEARLY, PARTLY, Visibility, visibility_class
from imu_sim.chips.parts import SensorPart, load_part
from imu_sim.families import load_family
from imu_sim.motion import FaceMotion, ease, still
from imu_sim.realism.html_report import Figure, Section, Table, drawn
from imu_sim.realism.observability_study import RATE_HZ, calibrated_pose, floors, observability, resting
from imu_sim.realism.signals import Signals, signals_of
from imu_sim.simulate import simulate
from imu_sim.subject import Subject, random_subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXPRESSIONS: Mapping[str, tuple[tuple[str, ...], float, float]] = {
    "smile": (("mouthSmileLeft", "mouthSmileRight"), 0.4, 1.0),
    "brow raise": (("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), 0.3, 1.0),
    "blink": (("eyeBlinkLeft", "eyeBlinkRight"), 0.09, 0.02),
    "jaw open": (("jawOpen",), 0.35, 1.0),
}
"""Shapes at weight 1, onset and hold in s."""

_REST_S, _LENGTH_S = 1.0, 3.0
_SHOWN = 3
"""Units drawn for each expression: those that move most."""
_CHANNELS = (("tilt_deg", "tilt, °"), ("rate_deg_s", "rate, °/s"), ("force_m_s2", "force, m/s²"))


@dataclass(frozen=True)
class SensorMeasurement:
    """What units feel on one kind of people.

    Attributes:
        visible: all 52 shapes.
        expressions: the section on four expressions of one person.
        note: how it was measured, one line.
    """

    visible: tuple[Visibility, ...]
    expressions: Section
    note: str


def measure_sensors(
    face: str, part_name: str, people: int, progress: Callable[[int], None] | None = None, seed: int = 0
) -> SensorMeasurement:
    """Every blendshape on `people` random people of a face, and four expressions of the first of them.

    Raises:
        FaceModelError: no such face.
        ImuSimError: no such part.
    """
    family, part, layout = load_family(face), load_part(part_name), load_layout()
    visible = observability(family, layout, part, people=people, seed=seed, progress=progress)
    section = _expressions_section(random_subject(family, layout, seed), layout, part, seed)
    note = f"simulated: median of {people} people of {family.name}, layout {layout.name}, {part.name}, seed {seed}"
    return SensorMeasurement(tuple(visible), section, note)


def sensor_sections(study: SensorMeasurement) -> list[Section]:
    """The part of the report on sensors."""
    return [study.expressions, _observability_section(study.visible, study.note)]


def _expressions_section(subject: Subject, layout: SensorLayout, part: SensorPart, seed: int) -> Section:
    """Signals of four expressions of one person over time, beside the floor of the same unit."""
    from matplotlib import pyplot

    reference = layout.reference_index
    on_skull = calibrated_pose(subject, layout, np.random.default_rng([seed, 0xCA1]))
    floor = floors(simulate(resting(seed), subject, layout, part, RATE_HZ, seed), on_skull, reference)
    figure, axes = pyplot.subplots(
        len(EXPRESSIONS), len(_CHANNELS), figsize=(12.0, 10.0), sharex=True, layout="constrained"
    )
    rows: list[list[str]] = []
    for row, (name, (shapes, onset_s, hold_s)) in enumerate(EXPRESSIONS.items()):
        recording = simulate(_played(shapes, onset_s, hold_s), subject, layout, part, RATE_HZ, seed)
        samples = slice(0, len(recording.valid))
        neutral = slice(round(0.3 * _REST_S * RATE_HZ), round(0.9 * _REST_S * RATE_HZ))
        signals = signals_of(recording, reference, samples, neutral)
        peak = signals.largest()
        shown = np.argsort(-peak.rate_deg_s)[:_SHOWN]
        for axis, (channel, label) in zip(axes[row], _CHANNELS, strict=True):
            _draw(axis, getattr(signals, channel), getattr(floor, channel), shown, layout.names)
            axis.set_ylabel(label)
        axes[row][0].set_title(f"{name}, weight 1", loc="left", fontsize=10)
        rows += [_row(name, layout.names[k], peak, floor, int(k)) for k in shown]
    for axis in axes[-1]:
        axis.set_xlabel("time, s")
    caption = (
        f"The {_SHOWN} units that turn fastest, {part.name}, {subject.name}, head still. Dotted: the floor of the same "
        "unit, root mean square over half a minute of a resting face on a head that moves as in a talk."
    )
    header = ["expression", "unit", *(f"{label}, peak / floor" for _, label in _CHANNELS)]
    return Section(
        "What the units feel",
        ("Simulated signals of four expressions of one synthetic person, against the same unit on the resting face.",),
        (drawn(figure, caption),),
        (Table("Largest signal and floor", header, rows),),
    )


def _played(shapes: Sequence[str], onset_s: float, hold_s: float) -> FaceMotion:
    motion = still(_LENGTH_S, name="+".join(shapes))
    times = np.arange(motion.samples) / motion.rate_hz - _REST_S
    weight = ease(times / onset_s) * ease((2.2 * onset_s + hold_s - times) / (1.2 * onset_s))
    weights = np.zeros((motion.samples, arkit.COUNT))
    weights[:, [arkit.INDEX[name] for name in shapes]] = weight[:, None]
    return FaceMotion(motion.rate_hz, weights, motion.head_orientation, motion.head_position, motion.name)


def _draw(axis: Axes, signal: np.ndarray, floor: np.ndarray, shown: np.ndarray, names: Sequence[str]) -> None:
    times = np.arange(len(signal)) / RATE_HZ
    for k in shown:
        (line,) = axis.plot(times, signal[:, k], linewidth=1.2, label=names[k])
        axis.axhline(floor[k], color=line.get_color(), linestyle=":", linewidth=1.0)
    axis.legend(fontsize=7, frameon=False)
    axis.grid(alpha=0.2)


def _row(name: str, unit: str, peak: Signals, floor: Signals, k: int) -> list[str]:
    return [name, unit, *(f"{getattr(peak, c)[k]:.2f} / {getattr(floor, c)[k]:.2f}" for c, _ in _CHANNELS)]


def _observability_section(visible: Sequence[Visibility], note: str) -> Section:
    """All 52 shapes by signal over floor, as a chart and a table."""
    header = [
        "blendshape",
        "seen",
        "best unit",
        "tilt, °",
        "turn, °",
        "rate, °/s",
        "force, m/s²",
        "signal / floor",
        "held / floor",
    ]
    rows = [
        [v.shape, visibility_class(v.ratio), v.sensor, *(f"{x:.2f}" for x in (v.tilt_deg, v.rotation_deg)),
         f"{v.rate_deg_s:.1f}", f"{v.force_m_s2:.2f}", f"{v.ratio:.1f}", f"{v.held_ratio:.1f}"]
        for v in visible
    ]  # fmt: skip
    text = (
        "Each blendshape alone at weight 1 on random people with boards glued as people glue them. Signal: how far the "
        "best unit turns, or how fast while the shape comes in 0.35 s. Floor: the same on a resting face while the "
        "head moves as in a talk. A pose that is held turns its units, but no longer at any rate: the tilt alone "
        f"over its floor says what is left then. {note[0].upper()}{note[1:]}.",
        f"Above {CLEARLY:g} is called clearly seen, above {PARTLY:g} partly. That a shape moves a unit does not say "
        "that it can be told from others which move it alike, and real skin is not this skin.",
    )
    return Section("Which blendshapes the units can see", text, (_chart(visible),), (Table("All 52", header, rows),))


def _chart(visible: Sequence[Visibility]) -> Figure:
    from matplotlib import pyplot

    ordered = sorted(visible, key=lambda v: v.ratio)
    color = {"clearly": "#2f7d4f", "partly": "#d39b2a", "not": "#b04a3f"}
    figure, axis = pyplot.subplots(figsize=(9.0, 10.0), layout="constrained")
    axis.barh(
        [v.shape for v in ordered],
        [max(v.ratio, 0.1) for v in ordered],
        color=[color[visibility_class(v.ratio)] for v in ordered],
    )
    axis.set_xscale("log")
    for limit in (PARTLY, CLEARLY):
        axis.axvline(limit, color="#555", linewidth=0.8, linestyle=":")
    axis.set_xlabel("signal over floor in the best unit")
    axis.tick_params(axis="y", labelsize=7)
    axis.margins(y=0.01)
    return drawn(figure, "Signal over floor of every blendshape; green clearly, yellow partly, red not seen.")
