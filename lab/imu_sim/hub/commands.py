"""What can be told to a simulated hub while it runs, in lines of text: faults by name, and what happens once."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Protocol

from imu_sim.errors import SimulatorConfigError
from imu_sim.hub.config import updated_faults
from imu_sim.hub.faults import Faults
from imu_sim.hub.simulated_hub import SimulatedHub

HELP = """\
NAME VALUE ...   change faults: drop 0.2 burst 5
                 units: dead mentalis,frontalis_left    dead none
                 switches: wrong_version on    as usual: skew_ppm default
clear            all faults as they were at the start
unplug, plug     cut the line, and mend it; the hub itself runs on
reboot           lose power for a moment: new clock, nothing streams
stall SECONDS    say nothing for so long
step SECONDS     set the hub's clock ahead; with a minus: back
show             what goes wrong now and what was sent, as JSON
help             this; NAMES of faults: imusic simulate --help"""
"""Of all commands."""

_NONE, _DEFAULT = "none", "default"
_SWITCH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
_FIELDS = {field.name: field for field in dataclasses.fields(Faults)}


class Plug(Protocol):
    """A line that can be cut."""

    @property
    def plugged(self) -> bool:
        """Whether it is whole."""

    def unplug(self) -> None:
        """Cut it."""

    def plug(self) -> None:
        """Mend it."""


class Commands:
    """Does what lines say to one hub and its line.

    Args:
        hub: whose faults change.
        link: its line.
    """

    def __init__(self, hub: SimulatedHub, link: Plug) -> None:
        self._hub = hub
        self._link = link
        self._at_start = hub.faults

    def obey(self, line: str) -> str:
        """Do it; `ok`, what was asked for, or `error:` and why not, with what to write instead."""
        words = line.split()
        if not words:
            return "ok"
        verb, rest = words[0].lower(), words[1:]
        try:
            return self._obey(verb, rest, words)
        except SimulatorConfigError as error:
            return f"error: {' '.join(str(error).split())}"

    def _obey(self, verb: str, rest: list[str], words: list[str]) -> str:
        if verb in ("stall", "step"):
            seconds = _number(verb, rest)
            if verb == "step":
                self._hub.set_clock(seconds)
            else:
                self._hub.stall(seconds)
            return "ok"
        simple = {
            "clear": lambda: self._hub.set_faults(self._at_start),
            "unplug": self._link.unplug,
            "plug": self._link.plug,
            "reboot": self._hub.reboot,
        }
        if verb in ("show", "help", *simple) and rest:
            raise SimulatorConfigError(f"{verb}: expected nothing after it, found {' '.join(rest)!r}")
        if verb == "help":
            return HELP
        if verb == "show":
            return json.dumps(self._shown())
        if verb in simple:
            simple[verb]()
            return "ok"
        self._hub.set_faults(updated_faults(self._hub.faults, _changes(words)))
        return "ok"

    def _shown(self) -> dict[str, Any]:
        hub = self._hub
        faults = dataclasses.asdict(hub.faults)
        changed = {name: value for name, value in faults.items() if value != _FIELDS[name].default}
        return {
            "name": hub.settings.name,
            "plugged": self._link.plugged,
            "streaming": hub.streaming,
            "rate_hz": hub.rate_hz,
            "sent": hub.sent,
            "reboots": hub.reboots,
            "faults": changed,
        }


def _changes(words: list[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    names, values = words[::2], words[1::2]
    for name in names:
        if name not in _FIELDS:
            raise SimulatorConfigError(
                f"expected a fault ({', '.join(_FIELDS)}) or one of clear, unplug, plug, reboot, stall, step, show, "
                f"help, found {name!r}"
            )
    if len(names) != len(values):
        raise SimulatorConfigError(f"{names[-1]}: expected a value after it, found none")
    for name, value in zip(names, values, strict=True):
        changes[name] = _value(name, value)
    return changes


def _value(name: str, text: str) -> Any:
    default = _FIELDS[name].default
    if text.lower() == _DEFAULT:
        return default
    if isinstance(default, tuple):
        return [] if text.lower() == _NONE else [part for part in text.split(",") if part]
    if isinstance(default, bool):
        if text.lower() not in _SWITCH:
            raise SimulatorConfigError(f"{name}: expected on or off, found {text!r}")
        return _SWITCH[text.lower()]
    if default is None and text.lower() == _NONE:
        return None
    return _number(name, [text])


def _number(name: str, words: list[str]) -> float:
    try:
        (text,) = words
        value = float(text)
    except ValueError:
        raise SimulatorConfigError(f"{name}: expected one number, found {' '.join(words)!r}") from None
    if not abs(value) <= 1e7:
        raise SimulatorConfigError(f"{name}: expected a number up to 1e7, found {words[0]}")
    return value
