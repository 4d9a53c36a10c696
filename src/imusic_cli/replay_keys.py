"""Keys of a terminal that lead a replay, and a line that says where it is."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from typing import Any

from imusic.msg import ReplayStatus
from imusic.srv import SeekReplay, SetReplayRate
from rclpy.node import Node
from std_srvs.srv import Trigger

from imusic_ros.qos import LATCHED

RATES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0)
STEP_S, LONG_STEP_S = 5.0, 30.0
ARROWS = {b"\x1b[D": -STEP_S, b"\x1b[C": STEP_S, b"\x1b[B": -LONG_STEP_S, b"\x1b[A": LONG_STEP_S}
HELP = "space: pause   left/right: 5 s   down/up: 30 s   +/-: speed   0: from the beginning   Ctrl-C: end"
AT_ITS_END = "0 begins anew, Ctrl-C ends"
STATES = {
    ReplayStatus.STATE_WAITING: "waits",
    ReplayStatus.STATE_PLAYING: "plays",
    ReplayStatus.STATE_PAUSED: "paused",
    ReplayStatus.STATE_ENDED: "at its end",
    ReplayStatus.STATE_FAILED: "failed",
}


class ReplayKeys:
    """Asks the node `player` for what is typed; does nothing but listen where there is no terminal.

    Args:
        namespace: of the player.
        loop: whether the replay begins again at its end.
        check: whether faces are compared.
    """

    def __init__(self, namespace: str, loop: bool = False, check: bool = False) -> None:
        self._loop, self._check = loop, check
        self._home = f"/{namespace.strip('/')}/player".replace("//", "/")
        self._status: ReplayStatus | None = None
        self._terminal: list[Any] | None = None
        self._shown = ""
        self._typed = b""
        self._open = False

    def attach(self, node: Node) -> None:
        """Begin to listen to the player and to the terminal."""
        self._pause = node.create_client(Trigger, f"{self._home}/pause")
        self._resume = node.create_client(Trigger, f"{self._home}/resume")
        self._seek = node.create_client(SeekReplay, f"{self._home}/seek")
        self._set_rate = node.create_client(SetReplayRate, f"{self._home}/set_rate")
        node.create_subscription(ReplayStatus, f"{self._home}/status", self._on_status, LATCHED)
        if sys.stdin.isatty() and sys.stderr.isatty():
            self._terminal = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)  # Ctrl-C stays a signal
            sys.stderr.write(f"{HELP}\n")

    def poll(self) -> None:
        """Do what was typed, and show where the replay is."""
        if self._terminal is None:
            return
        while select.select([sys.stdin], [], [], 0.0)[0]:
            data = os.read(sys.stdin.fileno(), 64)
            if not data:
                break
            self._typed += data
        for key in keys_of(self._typed):
            self._press(key)
        self._typed = b""
        self._show()

    def make_room(self) -> None:
        """Somebody prints a line: it is to begin below the line that says where the replay is."""
        if self._open:
            self._open = False
            self._shown = ""
            sys.stderr.write("\n")
            sys.stderr.flush()

    def interrupted(self) -> int:
        """A check that was ended before its end has not passed: say how far it came; 1. Without a check 0."""
        if not self._check:
            return 0
        self.make_room()
        sys.stderr.write(f"{verdict_so_far(self._status)}\n")
        return int(not (self._loop and self._status is not None and passed(self._status)))

    def close(self) -> None:
        """Give the terminal back."""
        if self._terminal is not None:
            self.make_room()
            with contextlib.suppress(termios.error):  # a terminal that is gone needs nothing back
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)
            self._terminal = None

    def _on_status(self, status: ReplayStatus) -> None:
        self._status = status

    def _press(self, key: bytes) -> None:
        status = self._status
        if status is None:
            return
        if key == b" ":
            stands = status.state in (ReplayStatus.STATE_PAUSED, ReplayStatus.STATE_ENDED)
            self._call(self._resume if stands else self._pause, Trigger.Request())
        elif key in ARROWS:
            self._call(self._seek, SeekReplay.Request(position=ARROWS[key], relative=True))
        elif key == b"0":
            self._call(self._seek, SeekReplay.Request(position=status.begin))
        elif key in b"+=-" and key:
            self._call(self._set_rate, SetReplayRate.Request(rate=next_rate(status.rate, key != b"-")))

    @staticmethod
    def _call(client: Any, request: Any) -> None:
        if client.service_is_ready():
            client.call_async(request)

    def _show(self) -> None:
        if self._status is not None:
            line = status_line(self._status, self._loop)
            if line != self._shown:
                self._shown, self._open = line, True
                sys.stderr.write(f"\r\x1b[K{line}")
                sys.stderr.flush()


def status_line(status: ReplayStatus, loop: bool = False) -> str:
    """Where a replay is, for people; laps are counted where it begins again at its end."""
    rate = "as fast as possible" if status.rate == 0.0 else f"{status.rate:g}x"
    line = f"{STATES.get(status.state, '')}  {status.position:.1f} / {status.end:.1f} s  {rate}"
    if loop and status.laps:
        line += f"  lap {status.laps + 1}"
    if status.checked:
        line += f"  {counts(status)}"
    if status.state == ReplayStatus.STATE_ENDED:
        line += f"  {AT_ITS_END}"
    return line


def passed(status: ReplayStatus) -> bool:
    """Whether all was compared at least once, and equal."""
    return bool(status.laps and status.equal and not status.different and not status.missing)


def verdict_so_far(status: ReplayStatus | None) -> str:
    """How the check of a replay stands that is ended from outside, for people."""
    if status is None:
        return "check ended before anything was compared"
    where = f"after lap {status.laps}" if status.laps else f"at {status.position:.1f} of {status.end:.1f} s"
    return f"check ended {where}: {counts(status)}"


def counts(status: ReplayStatus) -> str:
    """How the faces compare that were played so far."""
    line = f"{status.equal} equal, {status.different} different, {status.missing} missing"
    return line + (f", {status.not_compared} not compared" if status.not_compared else "")


def next_rate(rate: float, faster: bool) -> float:
    """The next speed of `RATES`."""
    if faster:
        return next((other for other in RATES if other > rate), RATES[-1])
    return next((other for other in reversed(RATES) if other < rate), RATES[0])


def keys_of(typed: bytes) -> list[bytes]:
    """Single keys; an arrow is one of three bytes."""
    keys = []
    while typed:
        size = 3 if typed[:3] in ARROWS else 1
        keys.append(typed[:size])
        typed = typed[size:]
    return keys
