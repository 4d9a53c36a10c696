"""Errors of the estimator: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class InferenceError(ImusicError):
    """Anything that keeps the estimator from working."""


class ModelNotFoundError(InferenceError):
    """No model folder of this name or path."""


class ModelFolderError(InferenceError):
    """A model folder is incomplete, damaged, or made for another version of this package."""


class ModelHashError(ModelFolderError):
    """The network file is not the one its description names."""


class ModelVersionError(ModelFolderError):
    """The folder's format or its features are of a version this package does not read."""


class ModelVocabularyError(ModelFolderError):
    """The folder's blendshapes or sensors are not those this package knows."""


class EngineError(InferenceError):
    """An inference engine is missing or does not accept the model."""


class LayoutMismatchError(InferenceError):
    """The incoming sensors cannot feed this model."""


class WearersError(InferenceError):
    """The people that a node shall serve cannot be served."""


class NeutralMissingError(InferenceError):
    """Features were asked for before the wearer's neutral is known."""


class WearerError(InferenceError):
    """What was recorded of a wearer cannot be used to learn from."""


class PhoneAlignmentError(WearerError):
    """A phone's weights and the sensors cannot be brought to one clock."""


class ProfileError(InferenceError):
    """A wearer's profile is damaged, or its name is none."""


class ProfileNotFoundError(ProfileError):
    """No profile of this name."""


class ProfileMismatchError(ProfileError):
    """A profile was learned for another model's population or sensors."""


class EvaluationError(InferenceError):
    """Truth and estimate cannot be compared."""


class TrainingError(InferenceError):
    """Training data or configuration that cannot be used."""


class NetworkConfigError(InferenceError):
    """Sizes that fit no network."""
