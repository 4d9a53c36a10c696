"""ARKit weights over OSC as a source: the VMC protocol, and apps that send one number under each shape's name.

VMC (https://protocol.vmc.info, "Virtual Motion Capture Protocol", by its author's description): `/VMC/Ext/Blend/Val`
name value sets a shape, `/VMC/Ext/Blend/Apply` says that a picture is complete, `/VMC/Ext/T` time and `/VMC/Ext/OK`
state come with it. Shapes count by their ARKit names ("perfect sync"), however they are spelt; VRM's own presets (Joy,
A, Blink) are no ARKit weights and are passed over.

Plain OSC: any address that ends in an ARKit name, with one number: `/jawOpen 0.4`, `/face/eyeBlink_L 12`. There
nothing says that a picture is complete: it is when its datagram ends, or, of a sender with one datagram a shape, when
a name comes again.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.osc import OscError, OscMessage, decode
from face_model.rigs.names import match
from face_reference.datagrams import DatagramReader
from face_reference.frame import LARGEST_WEIGHT, ReferenceFrame

PORT = 39539
"""Where VMC performers send by default; some tools listen on 39540."""

HELD_S = 1.0
"""A shape that was not sent for this long is not seen any more: senders leave out what did not change, for a while."""

_MOST_SENDERS = 16
_LONGEST_NAME = 128
_SILENT_S = 3.0
_BUNDLED = 8
"""So many shapes in one datagram are a picture, fewer may be parts of one."""


@dataclass
class _Sender:
    """What one sender's stream stands at."""

    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(arkit.COUNT, dtype=np.float32))
    set_s: NDArray[np.float64] = field(default_factory=lambda: np.full(arkit.COUNT, -math.inf))
    pending: set[int] = field(default_factory=set)
    time_s: float = math.nan
    tracked: bool = True
    protocol: str = "osc"
    number: int = 0


class VmcSource:
    """Listens for VMC and plain OSC.

    Args:
        listen: host and port to bind; 127.0.0.1 hears this machine only.
        senders: who may send; empty: whoever reaches that address.
    """

    def __init__(self, listen: tuple[str, int] = ("127.0.0.1", PORT), senders: tuple[str, ...] = ()) -> None:
        self._reader = DatagramReader(*listen, senders)
        self.rejected: Counter[str] = self._reader.rejected
        self.passed_over: Counter[str] = Counter()
        self._senders: dict[str, _Sender] = {}
        self._followed = ""
        self._heard_s = 0.0

    @property
    def description(self) -> str:
        """Where it listens and to whom."""
        host, port = self._reader.address
        return f"vmc on UDP {host}:{port}, {self._followed or 'no sender yet'}"

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._reader.address

    @property
    def problem(self) -> str:
        """Why nothing can come."""
        return self._reader.problem

    def open(self) -> None:
        """Bind; raises `SourceError`."""
        self._senders, self._followed = {}, ""
        self._reader.open()

    def read(self, timeout_s: float) -> list[ReferenceFrame]:
        """Pictures that are complete."""
        frames: list[ReferenceFrame] = []
        for data, sender, arrival_s in self._reader.read(timeout_s):
            try:
                messages = decode(data)
            except OscError as error:
                self.rejected[str(error)] += 1
                continue
            state = self._state(sender, arrival_s)
            if state is not None:
                frames += self._take(sender, state, messages, arrival_s)
        return frames

    def close(self) -> None:
        """Unbind."""
        self._reader.close()

    def _state(self, sender: str, now_s: float) -> _Sender | None:
        if sender != self._followed:
            if self._followed and now_s - self._heard_s < _SILENT_S:
                self.rejected["another sender"] += 1
                return None
            self._followed = sender
        self._heard_s = now_s
        if len(self._senders) >= _MOST_SENDERS and sender not in self._senders:
            self._senders.clear()
        return self._senders.setdefault(sender, _Sender())

    def _take(self, sender: str, state: _Sender, messages: list[OscMessage], now_s: float) -> list[ReferenceFrame]:
        frames = []
        for message in messages:
            if message.time_s is not None:
                state.time_s = message.time_s
            if not message.address.startswith("/VMC/"):
                name = message.address.rpartition("/")[2]
                if _shape(name) in state.pending:
                    frames.append(self._frame(sender, state, now_s))
                self._set(state, name, message.arguments, now_s)
            elif message.address == "/VMC/Ext/Blend/Val":
                state.protocol = "vmc"
                given = message.arguments
                self._set(state, str(given[0]) if given else "", given[1:], now_s)
            elif message.address == "/VMC/Ext/Blend/Apply":
                state.protocol = "vmc"
                if state.pending:
                    frames.append(self._frame(sender, state, now_s))
            elif message.address == "/VMC/Ext/T" and message.time_s is None:
                state.time_s = _number(message.arguments)
            elif message.address == "/VMC/Ext/OK":
                # Four whole numbers in newer senders: loaded, calibration state and mode, tracking.
                state.tracked = bool(message.arguments[3] if len(message.arguments) > 3 else True)
        if state.protocol == "osc" and len(state.pending) >= _BUNDLED:
            frames.append(self._frame(sender, state, now_s))
        return frames

    def _set(self, state: _Sender, name: str, arguments: tuple[object, ...], now_s: float) -> None:
        index = _shape(name)
        if index is None:
            self.passed_over["no ARKit name"] += 1
            return
        value = _number(arguments)
        if state.protocol == "osc" and LARGEST_WEIGHT < value <= 100.0 * LARGEST_WEIGHT:
            value /= 100.0  # some apps send per cent
        if not math.isfinite(value) or abs(value) > LARGEST_WEIGHT:
            self.rejected["value out of bounds"] += 1
            return
        state.weights[index] = min(max(value, 0.0), 1.0)
        state.set_s[index] = now_s
        state.pending.add(index)

    def _frame(self, sender: str, state: _Sender, now_s: float) -> ReferenceFrame:
        state.pending = set()
        state.number += 1
        time_s, state.time_s = state.time_s, math.nan
        source = f"{state.protocol} {sender}"
        if not state.tracked:
            return ReferenceFrame(source, now_s, state.number, time_s)
        seen = now_s - state.set_s <= HELD_S
        weights = np.where(seen, state.weights, np.float32(0.0)).astype(np.float32)
        return ReferenceFrame(source, now_s, state.number, time_s, True, weights, seen)


@lru_cache(maxsize=1024)
def _shape_of(name: str) -> int | None:
    found = match(name)
    return None if found is None or found.half else arkit.INDEX[found.shape]


def _shape(name: str) -> int | None:
    return _shape_of(name) if 0 < len(name) <= _LONGEST_NAME else None


def _number(arguments: tuple[object, ...]) -> float:
    if len(arguments) != 1 or isinstance(arguments[0], bool) or not isinstance(arguments[0], int | float):
        return math.nan
    return float(arguments[0])
