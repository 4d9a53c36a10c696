"""Errors of the simulator: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class ImuSimError(ImusicError, ValueError):
    """Something the simulator cannot use."""


class MotionError(ImuSimError):
    """Arrays of a face motion do not agree or cannot be used."""


class SimulatorConfigError(ImuSimError):
    """The simulator's YAML or command line cannot be used."""


class RecipeError(ImuSimError):
    """A data set's recipe that cannot be used, or asks for what is not there."""


class DatasetError(ImuSimError):
    """A recording, a data set or its folder that is missing, damaged, of another version or of another build."""
