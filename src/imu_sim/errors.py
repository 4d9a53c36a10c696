"""Errors of the simulator: each message says what was expected, what was found and what to do."""

from __future__ import annotations


class ImuSimError(ValueError):
    """Something the simulator cannot use."""


class MotionError(ImuSimError):
    """Arrays of a face motion do not agree or cannot be used."""


class LiveLinkError(ImuSimError):
    """A Live Link Face CSV that cannot be used; the subclasses say why."""


class LiveLinkMissingFileError(LiveLinkError):
    """There is no such file, or it cannot be read."""


class LiveLinkFormatError(LiveLinkError):
    """The file is not a Live Link Face CSV."""


class LiveLinkColumnsError(LiveLinkError):
    """Blendshape columns are missing; `missing` names them as the CSV would."""

    def __init__(self, message: str, missing: tuple[str, ...]) -> None:
        super().__init__(message)
        self.missing = missing


class LiveLinkEmptyError(LiveLinkError):
    """The file holds no usable row: only a header, or the face was lost throughout."""


class SimulatorConfigError(ImuSimError):
    """The simulator's YAML or command line cannot be used."""


class PartError(ImuSimError):
    """A sensor part's file that cannot be used."""


class RecipeError(ImuSimError):
    """A data set's recipe that cannot be used, or asks for what is not there."""


class DatasetFolderError(ImuSimError):
    """A folder in which this data set cannot be built or merged."""


class StudyError(ImuSimError):
    """Something that cannot be studied or reported."""
