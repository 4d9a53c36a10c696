"""Takes put together: by person, by geometry, by blendshape, and the mean over people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from face_evaluation.reliability import Bin, Reliability
from face_evaluation.score import NAN, Score, TakeResult, mean_score
from face_inference.errors import InferenceError
from face_model import arkit


@dataclass(frozen=True)
class ShapeScore:
    """One blendshape: mean absolute error and Pearson's r, mean over people; r is NaN if it never moved."""

    mae: float
    r: float


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model.

    Attributes:
        overall: mean over people, so that nobody counts more for a longer take or for more subjects.
        people: by who moved the face: mean over the person's takes, on whatever faces.
        geometries: by family of faces: mean over the people played on it.
        shapes: by blendshape.
        reliability: bins of confidence over all takes, observable shapes, every weight alike.
        takes: name to score of each take.
    """

    overall: Score
    people: dict[str, Score]
    geometries: dict[str, Score] = field(default_factory=dict)
    shapes: dict[str, ShapeScore] = field(default_factory=dict)
    reliability: tuple[Bin, ...] = ()
    takes: dict[str, Score] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, None for what is not a number: the overall numbers, then each group under its name."""
        return dict(plain(asdict(self.overall) | {k: v for k, v in asdict(self).items() if k != "overall"}))

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2)


def grouped(results: Sequence[TakeResult]) -> Evaluation:
    """Scores of takes put together.

    Raises:
        InferenceError: there are no takes.
    """
    if not results:
        raise InferenceError("expected at least one take to evaluate, found none")
    people = _means(results, lambda result: result.person)
    geometries = {
        geometry: mean_score(list(_means(chosen, lambda result: result.person).values()))
        for geometry, chosen in _split(results, lambda result: result.geometry).items()
    }
    told = [result.reliability for result in results if result.reliability is not None]
    return Evaluation(
        overall=mean_score(list(people.values())),
        people=people,
        geometries=geometries,
        shapes=_shapes(results, people),
        reliability=Reliability.sum(told).bins,
        takes={result.take: result.score for result in results},
    )


def plain(value: Any) -> Any:
    """NaN as null, for NaN is not JSON; tuples as lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _split(results: Sequence[TakeResult], key: Callable[[TakeResult], str]) -> dict[str, list[TakeResult]]:
    groups: dict[str, list[TakeResult]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return dict(sorted(groups.items()))


def _means(results: Sequence[TakeResult], key: Callable[[TakeResult], str]) -> dict[str, Score]:
    return {name: mean_score([r.score for r in chosen]) for name, chosen in _split(results, key).items()}


def _shapes(results: Sequence[TakeResult], people: dict[str, Score]) -> dict[str, ShapeScore]:
    by_person = _split(results, lambda result: result.person).values()
    mae = np.mean([np.mean([r.shape_mae for r in chosen], axis=0) for chosen in by_person], axis=0)
    shapes = {}
    for i, name in enumerate(arkit.BLENDSHAPES):
        r = [score.r[name] for score in people.values() if name in score.r]
        shapes[name] = ShapeScore(float(mae[i]), float(np.mean(r)) if r else NAN)
    return shapes
