"""Errors of the estimator: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class InferenceError(ImusicError):
    """Anything that keeps a model from being run, trained or scored."""


class ModelNotFoundError(InferenceError):
    """No model folder of this name or path."""


class ModelFolderError(InferenceError):
    """A model folder is incomplete, damaged, of another version, or of blendshapes or sensors not known here."""


class EngineError(InferenceError):
    """An inference engine is missing or does not accept the model."""


class LayoutMismatchError(InferenceError):
    """The incoming sensors cannot feed this model."""


class WearerError(InferenceError):
    """What was recorded of a wearer cannot be used to learn from."""


class ProfileError(InferenceError):
    """There is no such profile, it is damaged, or it was learned for another prior or other sensors."""
