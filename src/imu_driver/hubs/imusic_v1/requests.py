"""Commands that wait for their ACK, and are repeated until it comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from imu_driver.hub import Outcome
from imu_driver.hubs.imusic_v1.handshake import printable
from imu_driver.hubs.imusic_v1.protocol import Ack, HostPacket, Result

Build: TypeAlias = Callable[[int], HostPacket]
"""Makes the command with a request id."""

Done: TypeAlias = Callable[[Outcome], None]


@dataclass
class _Waiting:
    packet: HostPacket
    done: Done
    sent_s: float
    tries: int


class RequestBook:
    """Request ids, repetition and time-out of commands.

    Args:
        period_s: repeat after this long without an ACK.
        tries: give up after this many.

    Attributes:
        next_id: of the next command.
    """

    def __init__(self, period_s: float, tries: int) -> None:
        self._period_s = period_s
        self._tries = tries
        self.next_id = 1
        self._waiting: dict[int, _Waiting] = {}

    @property
    def empty(self) -> bool:
        """Whether no command waits for its ACK."""
        return not self._waiting

    def begin(self, build: Build, done: Done, now_s: float) -> HostPacket:
        """A new command, to be sent now; `done` is called once, with its outcome."""
        number = self.next_id
        self.next_id = number % 0xFFFF + 1
        packet = build(number)
        self._waiting[number] = _Waiting(packet, done, now_s, 1)
        return packet

    def due(self, now_s: float) -> list[HostPacket]:
        """Commands to send again; those tried often enough end here."""
        again = []
        for number in list(self._waiting):
            waiting = self._waiting.get(number)
            if waiting is None or now_s - waiting.sent_s < self._period_s:
                # None: the end of another command abandoned this one.
                continue
            if waiting.tries >= self._tries:
                del self._waiting[number]
                name = type(waiting.packet).__name__
                waiting.done(Outcome(False, False, f"the hub did not answer {name} ({waiting.tries} tries)"))
                continue
            waiting.sent_s, waiting.tries = now_s, waiting.tries + 1
            again.append(waiting.packet)
        return again

    def acknowledge(self, ack: Ack) -> None:
        """End the command of an ACK; an ACK that nobody waits for (a repeated one) is ignored."""
        waiting = self._waiting.get(ack.request_id)
        if waiting is None or ack.command != waiting.packet.TYPE:
            return
        del self._waiting[ack.request_id]
        ok = ack.result == Result.OK
        name = type(waiting.packet).__name__
        message = "" if ok else f"the hub refused {name}: {printable(ack.message) or _meaning(ack.result)}"
        waiting.done(Outcome(ok, True, message))

    def abandon(self, reason: str) -> None:
        """End all commands, because the connection is gone."""
        waiting, self._waiting = self._waiting, {}
        for command in waiting.values():
            command.done(Outcome(False, False, reason))


def _meaning(result: int) -> str:
    try:
        return Result(result).name.lower().replace("_", " ")
    except ValueError:
        return f"result {result}"
