"""How a face in neutral wear makes weights stand out by itself, beside which events are evident."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_affect.bumps import SHAPES, WIDTHS_S, Floats
from face_affect.errors import AffectError
from face_model.npz import DAMAGE, read_arrays


@dataclass(frozen=True)
class EventNoise:
    """How the weights of a face in neutral wear stand out by themselves, and how those of single units do.

    Attributes:
        precision: (widths, shapes, shapes) inverse covariance of the bumps of `SHAPES`, scaled so that evidence is 1 at
            the threshold.
        patterns: (P, shapes) mean bump of an event of one unit at intensity 1.
        codes: (P,) its unit.
        sides: (P,) its side: -1 right, 0 both, 1 left.
        model: whose weights they were.
    """

    precision: Floats
    patterns: Floats
    codes: NDArray[np.int64]
    sides: NDArray[np.int64]
    model: str

    def __post_init__(self) -> None:
        expected = (len(WIDTHS_S), len(SHAPES), len(SHAPES))
        if self.precision.shape != expected or self.patterns.shape != (len(self.codes), len(SHAPES)):
            raise AffectError(
                f"expected noise of shape {expected} with patterns of {len(SHAPES)} shapes, "
                f"found {self.precision.shape} and {self.patterns.shape}"
            )


def load_noise(path: Path | None = None) -> EventNoise:
    """The noise that ships, or that of a file which `imusic bench micro --write` made.

    Raises:
        AffectError: the file is no such noise.
    """
    path = path or Path(__file__).with_name("event_noise.npz")
    try:
        data = read_arrays(path)
        return EventNoise(
            np.asarray(data["precision"], dtype=np.float64),
            np.asarray(data["patterns"], dtype=np.float64),
            np.asarray(data["codes"], dtype=np.int64),
            np.asarray(data["sides"], dtype=np.int64),
            str(data["model"]),
        )
    except DAMAGE as error:
        raise AffectError(f"expected noise of facial events in {path}, found: {error!r}") from error
