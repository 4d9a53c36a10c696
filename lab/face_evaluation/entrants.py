"""Who takes part: models, what is left of them without their network, a static ridge, and anybody's own class."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from face_evaluation.estimate import Estimator
from face_evaluation.signals import Calibration, Signals
from face_evaluation.sources import LAYOUT
from face_evaluation.states import Learned, learned
from face_evaluation.static_ridge import StaticRidge
from face_evaluation.takes import recorded_features
from face_inference.channels import Channels
from face_inference.errors import InferenceError
from face_inference.model_folder import ModelDescription, load_model
from face_inference.uncertainty import confidence_of, honest
from face_inference.wearer.linear_estimate import LinearEstimate
from face_model import arkit
from face_model.layout import load_layout
from imusic_cli.errors import CommandError

Weights = NDArray[np.float32]
Estimated = tuple[Weights, Weights | None]
"""Weights and, from who has them, confidences, both (T, 52)."""


class Entrant(Protocol):
    """Whoever can do this takes part; it is made with the `SensorLayout` that is worn.

    A third, `knows(calibration) -> bool`, may say which states it takes part in; without it, in all.
    """

    def learn(self, calibration: Calibration) -> Any:
        """What is known of a wearer after a calibration, in any form."""

    def estimate(self, take: Signals, known: Any) -> Weights | tuple[Weights, Weights]:
        """Weights (T, 52) of a take in `arkit.BLENDSHAPES` order, or these and as many confidences.

        Args:
            take: of the same wearer; an estimate of a sample may use those before it only.
            known: what `learn` gave.
        """


@runtime_checkable
class SideBySide(Protocol):
    """An entrant that is faster where one take is estimated for several things known of its wearer."""

    def estimate_all(self, take: Signals, known: Sequence[Any]) -> list[Estimated]:
        """One estimate for each."""


@runtime_checkable
class Selective(Protocol):
    """An entrant that takes part in some states only."""

    def knows(self, calibration: Calibration) -> bool:
        """Whether it has something to say after such a calibration."""


class ModelEntrant:
    """A model as the live node runs it."""

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator

    def learn(self, calibration: Calibration) -> Learned:
        """See `face_evaluation.states.learned`."""
        return learned(self._estimator.description, calibration)

    def estimate(self, take: Signals, known: Learned) -> tuple[Weights, Weights]:
        """As the live node would."""
        return self._estimator(take, known.wearer)

    def estimate_all(self, take: Signals, known: Sequence[Learned]) -> list[Estimated]:
        """In one batch."""
        return [*self._estimator.side_by_side(take, [each.wearer for each in known])]


class LinearEntrant:
    """A model without its network: the linear estimate, and the confidence that its deviation implies."""

    def __init__(self, description: ModelDescription) -> None:
        self._description = description
        self._channels = Channels.of(description.mounts)

    def learn(self, calibration: Calibration) -> Learned:
        """As the model."""
        return learned(self._description, calibration)

    def estimate(self, take: Signals, known: Learned) -> tuple[Weights, Weights]:
        """Each sample by itself."""
        features = recorded_features(take, self._description.mounts)
        rotations = np.ascontiguousarray(features[:, self._channels.skin_block("rotation")], dtype=np.float32)
        valid = self._channels.observed(features)
        linear = LinearEstimate(self._description.prior, known.wearer)
        weights = np.empty((len(features), arkit.COUNT), dtype=np.float32)
        confidence = np.empty_like(weights)
        patterns, which = np.unique(valid, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = which.reshape(-1) == number
            weights[rows], deviation = linear.weights(rotations[rows], pattern)
            confidence[rows] = honest(confidence_of(np.maximum(deviation, 1e-6)).astype(np.float32))
        return weights, confidence


Kind = Literal["model", "linear", "ridge", "class"]


@dataclass(frozen=True)
class EntrantSpec:
    """Enough to make an entrant in another process.

    Attributes:
        kind: a model, its linear estimate, a static ridge with its features, or a class.
        where: folder of the model, or `module:Class`.
    """

    kind: Kind
    where: str


@lru_cache(maxsize=16)
def entrant_of(spec: EntrantSpec) -> Entrant:
    """Make it.

    Raises:
        CommandError: there is no such class.
        InferenceError: the model cannot be used.
    """
    if spec.kind == "class":
        made: Entrant = class_of(spec.where)(load_layout(LAYOUT))
        return made
    model = load_model(spec.where)
    if spec.kind == "model":
        return ModelEntrant(Estimator.of(model))
    if spec.kind == "linear":
        return LinearEntrant(model.description)
    return StaticRidge(model.description.mounts, model.description.prior)


@lru_cache(maxsize=16)
def reference_of(spec: EntrantSpec) -> str:
    """Name of the sensor on the skull, as the entrant has it."""
    if spec.kind == "class":
        layout = load_layout(LAYOUT)
        return layout.names[layout.reference_index]
    mounts = load_model(spec.where).description.mounts
    return mounts.names[mounts.reference]


def class_of(where: str) -> Any:
    """The class that `module:Class` or `file.py:Class` names.

    Raises:
        CommandError: there is none, or it is no entrant.
    """
    place, colon, name = where.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise CommandError(f"expected --estimator MODULE:CLASS or FILE.py:CLASS, found {where!r}")
    found = getattr(_module(place, where), name, None)
    missing = [method for method in ("learn", "estimate") if not callable(getattr(found, method, None))]
    if not isinstance(found, type) or missing:
        lacks = "no such class" if not isinstance(found, type) else f"none of {', '.join(missing)}"
        raise CommandError(
            f"expected a class {name} with the methods learn and estimate in {place}, found {lacks}; "
            "see docs/evaluation.md"
        )
    return found


def _module(place: str, where: str) -> ModuleType:
    try:
        if place.endswith(".py"):
            path = Path(place).expanduser().resolve()
            spec = importlib.util.spec_from_file_location(f"_estimator_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            return module
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(place)
    except (ImportError, OSError, SyntaxError) as error:
        raise CommandError(f"expected to import {place} of --estimator {where}, found {error!r}") from error


def takes_part(entrant: Entrant, calibration: Calibration) -> bool:
    """Whether an entrant has something to say in this state."""
    return entrant.knows(calibration) if isinstance(entrant, Selective) else True


def estimates(entrant: Entrant, take: Signals, known: Sequence[Any]) -> list[Estimated]:
    """Of one take, for each of what may be known of its wearer.

    Raises:
        InferenceError: the entrant's numbers are none.
    """
    if isinstance(entrant, SideBySide):
        return entrant.estimate_all(take, known)
    return [_checked(entrant, take, entrant.estimate(take, each)) for each in known]


def _checked(entrant: Entrant, take: Signals, given: Any) -> Estimated:
    weights, confidence = given if isinstance(given, tuple) else (given, None)
    expected = (len(take.valid), arkit.COUNT)
    for name, values in (("weights", weights), ("confidences", confidence)):
        if values is None and name == "confidences":
            continue
        if np.shape(values) != expected or not np.isfinite(values).all():
            raise InferenceError(
                f"expected finite {name} of shape {expected} from {type(entrant).__name__}, found {np.shape(values)}"
            )
    return np.asarray(weights, np.float32), None if confidence is None else np.asarray(confidence, np.float32)
