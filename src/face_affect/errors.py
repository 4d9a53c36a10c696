"""What can go wrong when a face is read."""

from face_model.errors import ImusicError


class AffectError(ImusicError):
    """Something given to face_affect is not what it should be."""
