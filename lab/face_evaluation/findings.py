"""What all trials together say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from face_evaluation import REST_POSE, Evaluation, Score, TakeResult, grouped
from face_evaluation.groups import plain
from face_evaluation.held import HeldReading, mean_reading
from face_evaluation.long_wear import LongWear, mean_long_wear
from face_evaluation.trials import (
    EXAMPLE,
    HELD,
    LONG_WEAR,
    PLACEMENT,
    SENSORS,
    TAKES,
    TRUTH,
    Contestant,
    Example,
    TrialOutcome,
)


@dataclass(frozen=True)
class Findings:
    """Everything that was found; every mapping is by contestant first.

    Attributes:
        contest: scores on the takes, the rest pose first.
        sensors: variant of missing sensors to its mean score.
        placement: how far boards were misplaced to its mean score.
        held: pose to its mean reading over subjects.
        long_wear: mean over subjects.
        examples: moments of takes as they were and as they were estimated, the truth first; one mapping for each take.
        notes: what went otherwise than asked.
    """

    contest: dict[str, Evaluation]
    sensors: dict[str, dict[str, Score]] = field(default_factory=dict)
    placement: dict[str, dict[str, Score]] = field(default_factory=dict)
    held: dict[str, dict[str, HeldReading]] = field(default_factory=dict)
    long_wear: dict[str, LongWear] = field(default_factory=dict)
    examples: tuple[dict[str, Example], ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON, without the examples."""
        content: dict[str, Any] = {
            "contestants": {name: evaluation.to_dict() for name, evaluation in self.contest.items()},
            "sensors": {name: {k: _numbers(v) for k, v in found.items()} for name, found in self.sensors.items()},
            "placement": {name: {k: _numbers(v) for k, v in found.items()} for name, found in self.placement.items()},
            "held": {name: {k: _held(v) for k, v in found.items()} for name, found in self.held.items()},
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
    return Findings(
        contest=contest,
        sensors={name: found for name in names if (found := _variants(outcomes, SENSORS, name))},
        placement={name: found for name in placed if (found := _variants(outcomes, PLACEMENT, name))},
        held={name: poses for name in names if (poses := _held_of(outcomes, name))},
        long_wear={
            name: mean_long_wear(parts)
            for name in names
            if (parts := [o.value for o in _of(outcomes, LONG_WEAR, name) if isinstance(o.value, LongWear)])
        },
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


def _held_of(outcomes: Iterable[TrialOutcome], contestant: str) -> dict[str, HeldReading]:
    readings: dict[str, list[HeldReading]] = {}
    for outcome in _of(outcomes, HELD, contestant):
        if isinstance(outcome.value, HeldReading):
            readings.setdefault(outcome.title, []).append(outcome.value)
    return {pose: mean_reading(found) for pose, found in readings.items()}


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
