"""What every encoder of datagrams is."""

from __future__ import annotations

from typing import Protocol

from face_streams.face import StreamFace


class Encoder(Protocol):
    """Makes datagrams of faces."""

    def __call__(self, face: StreamFace) -> list[bytes]:
        """The datagrams of a face, in order; of one that is not tracked those that say so."""
        ...
