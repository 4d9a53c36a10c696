"""What all trials together say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from face_evaluation import REST_POSE, Evaluation, Score, TakeResult, grouped
from face_evaluation.groups import plain
from face_evaluation.held import HELD_POSES, HeldReading, mean_reading
from face_evaluation.long_wear import LongWear, mean_long_wear
from face_evaluation.states import WearerState
from face_evaluation.trials import (
    CURVES,
    EXAMPLE,
    HELD,
    LONG_WEAR,
    PLACEMENT,
    REGLUED,
    SENSORS,
    TAKES,
    TRUTH,
    Contestant,
    Example,
    TrialOutcome,
)

Curve = dict[float, Score]
"""Score at each point of a line, mean over people."""


@dataclass(frozen=True)
class Findings:
    """Everything that was found; every mapping but `curves` is by contestant first.

    Attributes:
        contest: scores on the takes, the rest pose first.
        contestants: who took part, in order.
        sensors: variant of missing sensors to its mean score.
        placement: how far boards were misplaced to its mean score.
        held: family, then pose to its mean reading over subjects.
        reglued: scores with boards glued on anew after the wearer was learned, the rest pose first.
        curves: what it is about, then entrant, family and line, to its points.
        long_wear: mean over subjects.
        examples: moments of takes as they were and as they were estimated, the truth first; one mapping for each take.
        notes: what went otherwise than asked.
    """

    contest: dict[str, Evaluation]
    contestants: tuple[Contestant, ...] = ()
    sensors: dict[str, dict[str, Score]] = field(default_factory=dict)
    placement: dict[str, dict[str, Score]] = field(default_factory=dict)
    held: dict[str, dict[str, dict[str, HeldReading]]] = field(default_factory=dict)
    reglued: dict[str, Evaluation] = field(default_factory=dict)
    curves: dict[str, dict[str, dict[str, dict[str, Curve]]]] = field(default_factory=dict)
    long_wear: dict[str, LongWear] = field(default_factory=dict)
    examples: tuple[dict[str, Example], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def entrants(self) -> dict[str, dict[WearerState, str]]:
        """Name of each entrant, to the titles of its contestants by state, those that were scored."""
        found: dict[str, dict[WearerState, str]] = {}
        for contestant in self.contestants:
            found.setdefault(contestant.name, {})[contestant.state] = contestant.title
        return found

    @property
    def leading(self) -> frozenset[str]:
        """Titles of those that are no baselines: what figures show where all together would be too many."""
        return frozenset(c.title for c in self.contestants if c.entrant.kind in ("model", "class"))

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON, without the examples."""
        content: dict[str, Any] = {
            "contestants": {name: evaluation.to_dict() for name, evaluation in self.contest.items()},
            "sensors": {name: {k: _numbers(v) for k, v in found.items()} for name, found in self.sensors.items()},
            "placement": {name: {k: _numbers(v) for k, v in found.items()} for name, found in self.placement.items()},
            "held": {
                name: {family: {k: _held(v) for k, v in poses.items()} for family, poses in found.items()}
                for name, found in self.held.items()
            },
            "reglued": {name: evaluation.to_dict() for name, evaluation in self.reglued.items()},
            "curves": {
                about: {
                    entrant: {
                        family: {
                            line: [{"at": at} | _numbers(score) for at, score in points.items()]
                            for line, points in lines.items()
                        }
                        for family, lines in families.items()
                    }
                    for entrant, families in entrants.items()
                }
                for about, entrants in self.curves.items()
            },
            "long_wear": {
                name: {"first": v.first, "last": v.last, "growth": v.growth, "minutes": v.minutes.tolist()}
                for name, v in self.long_wear.items()
            },
            "notes": list(self.notes),
        }
        return dict(plain(content))


def collected(outcomes: Sequence[TrialOutcome], contestants: Sequence[Contestant]) -> Findings:
    """Outcomes of all trials put together.

    Raises:
        InferenceError: nothing was scored on any take, and nothing else was found.
    """
    names = [contestant.title for contestant in contestants]
    contest = {name: grouped(results) for name in (REST_POSE, *names) if (results := _takes(outcomes, TAKES, name))}
    placed = (REST_POSE, *names)
    entrants = tuple(dict.fromkeys(contestant.name for contestant in contestants))
    return Findings(
        contest=contest,
        contestants=tuple(c for c in contestants if c.title in contest or not contest),
        sensors={name: found for name in names if (found := _variants(outcomes, SENSORS, name))},
        placement={name: found for name in placed if (found := _variants(outcomes, PLACEMENT, name))},
        held={name: poses for name in names if (poses := _held_of(outcomes, name))},
        long_wear={
            name: mean_long_wear(parts)
            for name in names
            if (parts := [o.value for o in _of(outcomes, LONG_WEAR, name) if isinstance(o.value, LongWear)])
        },
        reglued={name: grouped(takes) for name in placed if (takes := _takes(outcomes, REGLUED, name))},
        curves={about: curves for about in CURVES if (curves := _curves(outcomes, about, entrants))},
        examples=_examples(outcomes, names),
        notes=tuple(dict.fromkeys(outcome.note for outcome in outcomes if outcome.note)),
    )


def _of(outcomes: Iterable[TrialOutcome], about: str, contestant: str) -> list[TrialOutcome]:
    return [o for o in outcomes if o.about == about and o.contestant == contestant]


def _takes(outcomes: Iterable[TrialOutcome], about: str, contestant: str) -> list[TakeResult]:
    return [o.value for o in _of(outcomes, about, contestant) if isinstance(o.value, TakeResult)]


def _variants(outcomes: Iterable[TrialOutcome], about: str, contestant: str) -> dict[str, Score]:
    chosen = _of(outcomes, about, contestant)
    titles = dict.fromkeys(o.title for o in chosen)
    return {
        title: grouped(_takes([o for o in chosen if o.title == title], about, contestant)).overall for title in titles
    }


def _held_of(outcomes: Iterable[TrialOutcome], contestant: str) -> dict[str, dict[str, HeldReading]]:
    readings: dict[str, dict[str, list[HeldReading]]] = {}
    for outcome in _of(outcomes, HELD, contestant):
        if isinstance(outcome.value, HeldReading):
            readings.setdefault(outcome.family, {}).setdefault(outcome.title, []).append(outcome.value)
    return {
        family: {pose: mean_reading(poses[pose]) for pose in HELD_POSES if pose in poses}
        for family, poses in sorted(readings.items())
    }


def _curves(
    outcomes: Iterable[TrialOutcome], about: str, entrants: Sequence[str]
) -> dict[str, dict[str, dict[str, Curve]]]:
    results: dict[str, dict[str, dict[str, dict[float, list[TakeResult]]]]] = {name: {} for name in entrants}
    for outcome in outcomes:
        if outcome.about == about and isinstance(outcome.value, TakeResult):
            lines = results[outcome.contestant].setdefault(outcome.family, {})
            lines.setdefault(outcome.title, {}).setdefault(outcome.at, []).append(outcome.value)
    return {
        name: {
            family: {
                line: {at: grouped(points[at]).overall for at in sorted(points)}
                for line in CURVES[about]
                if (points := lines.get(line))
            }
            for family, lines in sorted(families.items())
        }
        for name, families in results.items()
        if families
    }


def _examples(outcomes: Iterable[TrialOutcome], names: Sequence[str]) -> tuple[dict[str, Example], ...]:
    takes: dict[str, dict[str, Example]] = {}
    for outcome in outcomes:
        if outcome.about == EXAMPLE and isinstance(outcome.value, Example):
            takes.setdefault(outcome.value.take, {})[outcome.contestant] = outcome.value
    order = (TRUTH, *names)
    return tuple({name: takes[take][name] for name in order if name in takes[take]} for take in sorted(takes))


def _numbers(score: Score) -> dict[str, Any]:
    return {key: getattr(score, key) for key in Score.__dataclass_fields__ if not key.startswith("rest_")}


def _held(reading: HeldReading) -> dict[str, Any]:
    names = ("truth", "early", "late", "bias", "late_bias", "decay", "worst", "good")
    return {name: getattr(reading, name) for name in names} | {"curve": reading.curve.tolist()}
