"""How far a session is: what the driver sees of it, and the stage of the handshake behind that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from imu_driver.hub import ConnectionState


class Stage(Enum):
    """How far the handshake is."""

    HELLO = auto()
    RATE = auto()
    CLOCK = auto()
    START = auto()
    FIRST_SAMPLE = auto()
    DONE = auto()


@dataclass
class Progress:
    """Of one session.

    Attributes:
        problem: see `Hub`.
        state: see `Hub`.
        stage: of the handshake.
        since_s: when the stage was entered, on the session's clock.
    """

    problem: str
    state: ConnectionState = ConnectionState.DISCONNECTED
    stage: Stage = Stage.HELLO
    since_s: float = 0.0

    def enter(self, state: ConnectionState, stage: Stage, now_s: float) -> None:
        """Go on to a state and a stage."""
        self.state, self.stage, self.since_s = state, stage, now_s
