"""The linear map from 52 weights to expression and jaw coefficients, by ridge-regularised least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.npz import DAMAGE, read_arrays, write_arrays
from face_model.outputs import write_whole
from face_model.rig import FaceRig
from face_retarget.errors import RetargetError
from face_retarget.flame.model_file import HeadModel
from face_retarget.flame.transfer import transfer

Floats = NDArray[np.float64]

FORMAT: Final = "imusic flame map 1"
RIDGE: Final = 1e-3
"""Of the mean squared length of the expressions' columns: what a coefficient of 1 costs. Keeps coefficients small where
the model's expressions are alike on the face."""
LEAST_EXPLAINED: Final = 0.1
"""A shape of which the model can show less than this gets no coefficients: it would be another shape."""
LEAST_M: Final = 1e-4
"""A shape that moves no counted vertex by more than this moves nothing."""


@dataclass(frozen=True, eq=False)
class FlameMap:
    """A map for one model; it has nothing of the model in it but these coefficients.

    Attributes:
        kind: FLAME or SMPL-X.
        model: name of the model's file.
        sha256: of that file.
        expression: (E, 52) expression coefficients at weight 1.
        jaw: (3, 52) rotation vector of the jaw at weight 1, rad, the model's axes.
        explained: (52,) share of each shape's squared motion on the face that the model shows; NaN: it moves nothing.
        ridge: as given to `fit_map`.
    """

    kind: str
    model: str
    sha256: str
    expression: Floats
    jaw: Floats
    explained: Floats
    ridge: float

    def coefficients(self, weights: Sequence[float] | NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Weights (..., 52) to expression (..., E) and jaw rotation vector (..., 3), rad.

        Weights are read as 0 to 1, what is no number as 0.

        Raises:
            ValueError: not 52 weights.
        """
        row = np.asarray(weights, dtype=np.float64)
        if row.shape[-1:] != (arkit.COUNT,):
            raise ValueError(f"expected {arkit.COUNT} weights, found shape {row.shape}")
        row = np.clip(np.nan_to_num(row, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
        return row @ self.expression.T, row @ self.jaw.T


def fit_map(rig: FaceRig, model: HeadModel, ridge: float = RIDGE) -> FlameMap:
    """Fit the map of a model to a rig's shapes.

    Minimises over e and r, for each shape: sum over vertices of w |E e + B r - d|^2, plus ridge m |e|^2, where d is the
    shape's motion on the model (`transfer`), E the model's expressions, B the jaw's motion per rad, w how much a vertex
    counts, and m the mean of w E^2 over columns. The jaw is rotation near rest: at a mouth open by 0.4 rad the straight
    line differs from the arc by 4 mm at the chin.

    Raises:
        RetargetError: the model has no expressions or no landmarks, or the ridge is no number above 0.
    """
    if not (np.isfinite(ridge) and ridge > 0.0):
        raise RetargetError(f"expected a ridge above 0, found {ridge}; {RIDGE:g} is usual")
    count = len(model.expressions)
    if not count:
        raise RetargetError(f"{model.name}: expected expressions, found none")
    brought = transfer(rig, model)
    root = np.sqrt(brought.weights)[None, :, None]
    if not (brought.weights > 0.5).sum() > 3 * (count + 3) / 3:
        raise RetargetError(
            f"{model.name}: expected more than {count + 3} vertices on the face, found "
            f"{int((brought.weights > 0.5).sum())}; is it a head of the usual size and axes?"
        )
    columns = np.concatenate([model.expressions * root, model.jaw * root]).reshape(count + 3, -1).T
    wanted = (brought.deltas * root).reshape(arkit.COUNT, -1).T
    normal = columns.T @ columns
    mean = float(np.trace(normal[:count, :count])) / count
    if not mean > 0.0:
        raise RetargetError(f"{model.name}: expected expressions that move the face, found that none does")
    still = 1e-9 * max(float(np.trace(normal[count:, count:])), 1e-12)  # a jaw that turns about two axes only
    penalty = np.concatenate([np.full(count, ridge * mean), np.full(3, still)])
    solved = np.linalg.solve(normal + np.diag(penalty), columns.T @ wanted)
    left = np.sum((columns @ solved - wanted) ** 2, axis=0)
    motion = np.sum(wanted**2, axis=0)
    reach = np.abs(wanted).max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        explained = np.where(reach > LEAST_M, 1.0 - left / motion, np.nan)
    solved[:, ~(explained >= LEAST_EXPLAINED)] = 0.0
    return FlameMap(model.kind, model.name, model.sha256, solved[:count], solved[count:], explained, ridge)


def save_map(found: FlameMap, path: Path) -> None:
    """Write a map as .npz: arrays by their names here, texts as arrays without axes; `blendshapes` names columns.

    Raises:
        OutputError: it cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        **{name: np.array(getattr(found, name)) for name in ("kind", "model", "sha256", "ridge")},
        **{name: getattr(found, name) for name in ("expression", "jaw", "explained")},
        "format": np.array(FORMAT),
        "blendshapes": np.array(arkit.BLENDSHAPES),
    }
    write_whole(path, lambda part: write_arrays(part, arrays))


def load_map(path: Path) -> FlameMap:
    """What `save_map` wrote.

    Raises:
        RetargetError: it did not, or the file is damaged.
    """
    try:
        stored = read_arrays(path)
        if str(stored["format"]) != FORMAT or tuple(stored["blendshapes"]) != arkit.BLENDSHAPES:
            raise ValueError(f"another format than {FORMAT!r}")
        expression, jaw, explained = (np.asarray(stored[name], dtype=np.float64) for name in _SHAPES)
        if expression.shape[1:] != (arkit.COUNT,) or jaw.shape != (3, arkit.COUNT) or explained.shape != (arkit.COUNT,):
            raise ValueError(f"arrays of shapes {expression.shape}, {jaw.shape} and {explained.shape}")
        kind, model, sha256 = (str(stored[name]) for name in ("kind", "model", "sha256"))
        return FlameMap(kind, model, sha256, expression, jaw, explained, float(stored["ridge"]))
    except DAMAGE as error:
        raise RetargetError(
            f"expected a map that `imusic retarget flame` wrote at {path}, found: {error}; make it anew"
        ) from error


_SHAPES: Final = ("expression", "jaw", "explained")
