"""Errors of the simulator: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class ImuSimError(ImusicError, ValueError):
    """Something the simulator cannot use."""


class MotionError(ImuSimError):
    """Arrays of a face motion do not agree or cannot be used."""


class SimulatorConfigError(ImuSimError):
    """The simulator's YAML or command line cannot be used."""


class PartError(ImuSimError):
    """A sensor part's file that cannot be used."""


class RecipeError(ImuSimError):
    """A data set's recipe that cannot be used, or asks for what is not there."""


class DatasetFolderError(ImuSimError):
    """A folder in which this data set cannot be built or merged."""


class RealismError(ImuSimError):
    """Something that cannot be studied or reported."""
