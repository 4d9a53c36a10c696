"""What is known of how faces turn sensors: of people in general (the prior), and of one wearer (the posterior)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from face_inference.errors import ModelFolderError
from face_model import arkit
from face_model.saved_arrays import Arrays, SavedArrays, part_of, text_array

if TYPE_CHECKING:
    from face_inference.wearer.evidence import Evidence

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.floating]

PRIOR_FILE = "population.safetensors"
"""Part of the model format, whose names stay."""

MOST_JACOBIAN_RAD = 10.0
"""No blendshape turns skin by more than a radian; what is larger is damage."""
MOST_UNCERTAINTY_RAD2 = 100.0
"""Of an observation, which is a rotation vector: beyond this nothing would be known at all."""

Source = Literal["population", "prompts", "phone"]
"""Where a Jacobian comes from: the mean of all people, a guided routine, or one beside a phone that saw the weights."""


_NOISES = "noise", "labelled_noise"


@dataclass(frozen=True)
class WearerJacobian:
    """How far each blendshape turns each of one wearer's sensors: observation = Jacobian x weights + noise.

    The observation (D,) is the rotation vector (rad, `face_head` axes) of each of the K skin sensors relative to the
    skull, flattened from (K, 3): the channels `rotation` of `Channels`.

    Attributes:
        mean: (D, 52) rad, expected Jacobian: the rotation at weight 1.
        uncertainty: (D, D) rad^2, covariance that not knowing the Jacobian better adds to an observation, on average
            over the weights that faces show.
        source: what it was learned from.
        noise: (D, D) rad^2, covariance of this wearer's observations around J w; None: everybody's, `Prior.noise`.
        labelled_noise: (D, D) rad^2, the same as far as labels told it; None: they did not.
        evidence: of the labels, for learning on from unlabelled wear; None: there were none.
    """

    mean: FloatArray
    uncertainty: FloatArray
    source: Source
    noise: FloatArray | None = None
    labelled_noise: FloatArray | None = None
    evidence: Evidence | None = None

    def noise_beside(self, prior: Prior) -> FloatArray:
        """(D, D) rad^2: this wearer's, or everybody's."""
        return prior.noise if self.noise is None else self.noise

    def saved_state(self) -> Arrays:
        """As arrays, in the precision that they have, for `from_saved`."""
        arrays: Arrays = {"mean": self.mean, "uncertainty": self.uncertainty, "source": text_array(self.source)}
        for name in _NOISES:
            if getattr(self, name) is not None:
                arrays[name] = getattr(self, name)
        if self.evidence is not None:
            arrays |= part_of("evidence", self.evidence.saved_state())
        return arrays

    @classmethod
    def from_saved(cls, saved: SavedArrays, observations: int) -> WearerJacobian:
        """Of D observation channels, from `saved_state`.

        Raises:
            SnapshotError: it is damaged, or of other sensors.
        """
        mean = saved.array("mean", (observations, arkit.COUNT), "f4 f8", most=MOST_JACOBIAN_RAD)
        uncertainty = saved.array("uncertainty", (observations,) * 2, "f4 f8", most=MOST_UNCERTAINTY_RAD2)
        source = saved.text("source")
        noises = [
            saved.array(name, (observations,) * 2, "f4 f8", most=MOST_UNCERTAINTY_RAD2) if name in saved else None
            for name in _NOISES
        ]
        from face_inference.wearer.evidence import Evidence  # which needs the prior

        evidence = Evidence.from_saved(saved.part("evidence"), observations) if saved.has_part("evidence") else None
        saved.end()
        if source not in get_args(Source):
            raise saved.refuse(f"one of the sources {', '.join(get_args(Source))}", repr(source[:40]))
        try:
            for covariance in (uncertainty, *noises):
                if covariance is not None:
                    check_covariance(covariance)
        except ValueError as error:
            raise saved.refuse("a covariance", error) from error
        noise, labelled_noise = noises
        return cls(mean, uncertainty, cast(Source, source), noise, labelled_noise, evidence)


@dataclass(frozen=True)
class Prior:
    """Gaussian prior over wearers and over faces, for D observation channels (see `WearerJacobian`).

    The covariance of the Jacobian's elements is the sum of the outer products of `factors` plus a diagonal, the square
    of `spread`.

    Attributes:
        mean: (D, 52) rad, mean Jacobian.
        factors: (R, D, 52) rad.
        spread: (D, 52) rad.
        noise: (D, D) rad^2, covariance of an observation around Jacobian x weights: tissue, drift, what is not linear.
        weights_mean: (52,) of the weights that faces show.
        weights_covariance: (52, 52).
    """

    mean: Float32Array
    factors: Float32Array
    spread: Float32Array
    noise: Float32Array
    weights_mean: Float32Array
    weights_covariance: Float32Array

    def __post_init__(self) -> None:
        count = len(self.mean)
        expected = {
            "mean": (count, arkit.COUNT),
            "factors": (len(self.factors), count, arkit.COUNT),
            "spread": (count, arkit.COUNT),
            "noise": (count, count),
            "weights_mean": (arkit.COUNT,),
            "weights_covariance": (arkit.COUNT, arkit.COUNT),
        }
        wrong = [
            f"{name} {shape}, found {getattr(self, name).shape}"
            for name, shape in expected.items()
            if getattr(self, name).shape != shape
        ]
        if wrong or not all(np.isfinite(getattr(self, name)).all() for name in expected):
            raise ModelFolderError(f"expected a prior of finite arrays {'; '.join(wrong) or 'found NaN'}")

    @property
    def observations(self) -> int:
        """D, how many observation channels there are."""
        return len(self.mean)

    @cached_property
    def weights_moment(self) -> FloatArray:
        """(52, 52) second moment of the weights."""
        mean = self.weights_mean.astype(np.float64)
        moment: FloatArray = self.weights_covariance + np.outer(mean, mean)
        return moment

    @cached_property
    def precision(self) -> FloatArray:
        """(D 52, D 52) inverse covariance of the flattened Jacobian."""
        flat = self.factors.reshape(len(self.factors), self.mean.size).astype(np.float64)
        inverse = 1.0 / np.square(self.spread.reshape(-1).astype(np.float64))
        # Woodbury's identity: there are fewer factors than elements.
        scaled = flat * inverse
        inner = np.eye(len(flat)) + scaled @ flat.T
        precision: FloatArray = np.diag(inverse) - scaled.T @ np.linalg.solve(inner, scaled)
        return precision

    @cached_property
    def unknown_wearer(self) -> WearerJacobian:
        """A wearer of whom nothing is known."""
        moment = self.weights_moment
        shared = sum(factor @ moment @ factor.T for factor in self.factors.astype(np.float64))
        own = np.diag(np.square(self.spread.astype(np.float64)) @ np.diag(moment))
        return WearerJacobian(self.mean.astype(np.float64), shared + own, "population")

    def save(self, path: Path) -> None:
        """Write all arrays; factors in half precision, since they are many and need no more."""
        arrays = {f.name: np.ascontiguousarray(getattr(self, f.name)) for f in fields(self)}
        arrays["factors"] = arrays["factors"].astype(np.float16)
        save_file(arrays, path)
        path.chmod(0o644)  # safetensors keeps it to the owner, but models are installed for all

    @classmethod
    def load(cls, path: Path) -> Prior:
        """Read what `save` wrote.

        Raises:
            ModelFolderError: there is no such file, or it holds something else.
        """
        try:
            arrays = load_file(path)
            return cls(**{f.name: arrays[f.name].astype(np.float32) for f in fields(cls)})
        except (OSError, SafetensorError, KeyError, IndexError) as error:
            raise ModelFolderError(f"expected a prior in {path}, found: {error!r}; copy the model again") from error


def check_covariance(uncertainty: NDArray[np.floating]) -> None:
    """Raises `ValueError` for a matrix that is no covariance."""
    wide = uncertainty.astype(np.float64)
    scale = float(np.abs(wide).max()) + 1e-12
    # Single precision leaves a millionth.
    if np.abs(wide - wide.T).max() > 1e-4 * scale or np.linalg.eigvalsh(wide).min() < -1e-4 * scale:
        raise ValueError("uncertainty that is no covariance")
