"""The seam: what every kind of source does. Nothing here knows ROS, a network or a camera."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from face_reference.frame import ReferenceFrame


class ReferenceSource(Protocol):
    """Something that sees a face and says its weights.

    Attributes:
        rejected: what arrived and was refused, counted by reason.
    """

    rejected: Counter[str]

    @property
    def description(self) -> str:
        """What is listened to, in a few words."""

    @property
    def problem(self) -> str:
        """Why nothing can come at present and what to do; empty if nothing is known to be wrong."""

    def open(self) -> None:
        """Begin to listen.

        Raises:
            SourceError: it cannot be; the message says what to do.
        """

    def read(self, timeout_s: float) -> list[ReferenceFrame]:
        """What has come, oldest first; empty after `timeout_s`. Never raises on what a sender sends."""

    def close(self) -> None:
        """Stop; may be called twice."""
