"""How well a face is read beside a camera's labels, by region of the face, and what of a recording would help."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, observability, routine

FloatArray = NDArray[np.floating]

_REGIONS = (
    ("brows", r"brow"),
    ("eyes", r"eye"),
    ("cheeks and nose", r"cheek|nose"),
    ("jaw", r"jaw"),
    ("mouth", r"mouth"),
)

LEAST_SPREAD = 0.02
"""Standard deviation of a label below which nothing was shown of a shape: r would be one of the camera's noise."""

LITTLE = 0.35
"""A shape that went no further than this was hardly exercised (a guess: prompts are followed to half and more)."""

_SHOWN_ROWS = 5
"""For so many tenths of a second at least: what flickers was not shown."""

WORSE_BY = 0.02
"""Share of the error, and of r, by which something new may be worse and still be as good: chance does that much."""

MUCH_MORE_R = 0.05
MOST_WORSE = 0.1
"""With so much more r, so much more of the error is allowed (guesses)."""


@dataclass(frozen=True)
class Score:
    """Of the shapes that sensors see: mean absolute error, mean correlation with the labels (nan: nothing moved)."""

    mae: float
    r: float

    def worse_than(self, other: Score) -> bool:
        """Whether this is more than chance behind `other` in error or correlation.

        Who says rest has little error where little moves: for `MUCH_MORE_R` the error may be larger, within bounds.
        """
        most = MOST_WORSE if self.r > other.r + MUCH_MORE_R else WORSE_BY
        return self.mae > (1.0 + most) * other.mae or bool(self.r < other.r - WORSE_BY)

    def __str__(self) -> str:
        return f"off by {self.mae:.4f}, r {self.r:.3f}"


@dataclass(frozen=True)
class Judgement:
    """Of the whole face and of each region in which a shape moved."""

    whole: Score
    regions: dict[str, Score]


def judged(labels: FloatArray, read: FloatArray) -> Judgement:
    """What was read (N, 52) beside labels (N, 52), on the shapes that sensors see."""
    shapes = np.array(sorted(observability.OBSERVABLE))
    regions = {}
    for name, pattern in _REGIONS:
        chosen = np.array([i for i in shapes if re.match(pattern, arkit.BLENDSHAPES[i])], dtype=np.intp)
        score = _score(labels[:, chosen], read[:, chosen])
        if np.isfinite(score.r):
            regions[name] = score
    return Judgement(_score(labels[:, shapes], read[:, shapes]), regions)


def _score(labels: FloatArray, read: FloatArray) -> Score:
    moved = labels.std(axis=0) > LEAST_SPREAD
    a, b = labels - labels.mean(axis=0), read - read.mean(axis=0)
    size = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    r = (a * b).sum(axis=0) / np.maximum(size, 1e-12)  # a shape that is never read has no correlation
    return Score(float(np.abs(labels - read).mean()), float(r[moved].mean()) if moved.any() else float("nan"))


def not_exercised(labels: FloatArray) -> tuple[str, ...]:
    """What to do beside the camera, as the routine asks for it, since labels (N, 52) from rest hold little."""
    reached = np.sort(labels, axis=0)[-min(_SHOWN_ROWS, len(labels))]
    little = {i for i in observability.OBSERVABLE if reached[i] < LITTLE}
    wanted: list[str] = []
    for prompt, nominal in zip(routine.ROUTINE, routine.nominal_weights(), strict=True):
        main = {int(i) for i in np.flatnonzero(nominal > 0.6)}
        if main & little:
            wanted.append(prompt.text)
            little -= main
    return tuple(wanted)


def unlike(before: Judgement, after: Judgement) -> Sequence[str]:
    """Regions that are read worse than before by more than chance."""
    return [
        name
        for name, score in after.regions.items()
        if name in before.regions and score.worse_than(before.regions[name])
    ]
