"""What a face's weights are worth as a whole."""

from __future__ import annotations

from enum import IntEnum


class FaceState(IntEnum):
    """Values of `state` in `imusic/FaceBlendshapes`, which says what each means."""

    CALIBRATING = 0
    TRACKING = 1
    DEGRADED = 2
    STALE = 3

    @property
    def follows(self) -> bool:
        """Whether the weights follow the wearer."""
        return self in (FaceState.TRACKING, FaceState.DEGRADED)
