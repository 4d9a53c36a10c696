"""Several hubs on one face once more: each from its own pieces, their frames put together as they were."""

from __future__ import annotations

from collections import deque

from face_model.imu_sample import ImuSample
from face_model.saved_arrays import Arrays
from imu_driver.hub import JOINED, HubIdentity
from imu_driver.hub_joint import HubJoint
from imu_driver.joined_state import JoinedState
from imu_driver.replayed_hub import Made, Piece, ReplayedHub


class ReplayedJoint:
    """Hubs that read from pieces.

    Args:
        made: how they were made.
        state: of all of them, see `joined_state`.

    Raises:
        SnapshotError: the state is damaged, or of other hubs.
    """

    def __init__(self, made: Made, state: Arrays) -> None:
        saved = JoinedState.from_arrays(state, len(made.names))
        self._hubs = [ReplayedHub(made, name, one) for name, one in zip(made.names, saved.hubs, strict=True)]
        self._waiting: list[deque[tuple[ImuSample, HubIdentity | None]]] = [deque() for _ in self._hubs]
        self._joint = HubJoint(len(self._hubs), made.layout, made.rate_hz)
        self._joint.restore_state(saved.joint)
        self._unexplained = 0
        for piece in saved.since:
            self._hubs[piece.hub].feed(piece)  # their samples are in the frames already

    @property
    def unexplained(self) -> int:
        """Pieces that do not fit what the code does here."""
        return self._unexplained + sum(hub.unexplained for hub in self._hubs)

    def feed(self, piece: Piece) -> list[ImuSample]:
        """Take the next piece; the frames that were handed on with it."""
        if piece.direction == JOINED:
            return self._join(piece)
        if piece.hub >= len(self._hubs):
            self._unexplained += 1
            return []
        hub, waiting = self._hubs[piece.hub], self._waiting[piece.hub]
        samples = hub.feed(piece)
        waiting.extend((sample, hub.identity) for sample in samples)
        return []

    def _join(self, piece: Piece) -> list[ImuSample]:
        for index in piece.data:
            if index >= len(self._hubs) or not self._waiting[index]:
                self._unexplained += 1
                continue
            sample, identity = self._waiting[index].popleft()
            self._joint.take(index, identity, sample, piece.arrival_s)
        return self._joint.frames(piece.arrival_s)
