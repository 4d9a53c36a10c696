"""The state of several hubs at one place of their recording, though each is stepped in a thread of its own.

Each hub saves its state between two of its steps, as soon as it is quiet. That of the first is older than that of the
last by then, by some milliseconds; so what was read and sent by a hub since it saved its state is kept beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from face_model.saved_arrays import Arrays, SavedArrays, part_of
from imu_driver.replayed_hub import Piece

MOST_PIECES: Final = 4000
"""Ten seconds of two hubs: one that is not quiet for so long is asked again."""

_HEAD: Final = struct.Struct("<BBdI")
_MOST_BYTES: Final = 8 << 20


class GatheredStates:
    """Gathers the states of hubs. All of it but `wants` belongs to one thread.

    Args:
        hubs: how many.
    """

    def __init__(self, hubs: int) -> None:
        self._wanted = [False] * hubs
        self._states: list[Arrays | None] = [None] * hubs
        self._since: list[Piece] = []

    @property
    def complete(self) -> bool:
        """Whether all states are there, as of what came last."""
        return all(state is not None for state in self._states)

    def ask(self) -> None:
        """Want the states of all, if they are not wanted yet."""
        for i, state in enumerate(self._states):
            self._wanted[i] = state is None

    def wants(self, hub: int) -> bool:
        """Whether a hub's state is wanted; for the hub's thread."""
        return self._wanted[hub]

    def came(self, hub: int, pieces: Sequence[Piece], state: Arrays | None) -> None:
        """What a hub read and sent in a step, and its state after it, if it was saved."""
        if self._states[hub] is not None:
            self._since += pieces
            if len(self._since) > MOST_PIECES:
                self.forget()
                self.ask()
        elif state is not None:
            self._states[hub] = state
            self._wanted[hub] = False

    def forget(self) -> None:
        """Begin anew."""
        self._wanted = [False] * len(self._states)
        self._states = [None] * len(self._states)
        self._since = []

    def arrays(self, joint: Arrays) -> Arrays:
        """All of it, with the state of the joint at the same place; see `JoinedState.from_arrays`."""
        found = part_of("joint", joint)
        for i, state in enumerate(self._states):
            found |= part_of(f"hub{i}", state or {})
        packed = b"".join(_HEAD.pack(p.hub, p.direction, p.arrival_s, len(p.data)) + p.data for p in self._since)
        return found | {"since": np.frombuffer(packed, np.uint8)}


@dataclass(frozen=True)
class JoinedState:
    """What `GatheredStates.arrays` put together.

    Attributes:
        hubs: state of each.
        since: what each read and sent since, up to the place.
        joint: state of the joint at the place.
    """

    hubs: tuple[Arrays, ...]
    since: tuple[Piece, ...]
    joint: SavedArrays

    @classmethod
    def from_arrays(cls, arrays: Arrays, hubs: int) -> JoinedState:
        """Of so many hubs.

        Raises:
            SnapshotError: damaged, or of others.
        """
        of_hubs: list[Arrays] = []
        left = dict(arrays)
        for i in range(hubs):
            prefix = f"hub{i}."
            of_hubs.append({n.removeprefix(prefix): left.pop(n) for n in list(left) if n.startswith(prefix)})
        saved = SavedArrays(left, "hubs")
        data, joint = saved.array("since", (None,), "u1", most_rows=_MOST_BYTES).tobytes(), saved.part("joint")
        saved.end()
        pieces, at = [], 0
        while at < len(data):
            if len(data) - at < _HEAD.size:
                raise saved.refuse("whole pieces of the lines", f"{len(data) - at} bytes")
            hub, direction, arrival_s, size = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            if hub >= hubs or size > len(data) - at:
                raise saved.refuse(f"pieces of {hubs} hubs", f"{size} bytes of hub {hub}")
            pieces.append(Piece(direction, arrival_s, data[at : at + size], hub=hub))
            at += size
        return cls(tuple(of_hubs), tuple(pieces), joint)
