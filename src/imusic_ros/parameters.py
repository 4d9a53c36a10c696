"""One source for a parameter: name, type, unit, bounds, default and meaning.

Each node has a table of these, `PARAMETERS` in its room's `parameters.py`. From it come what the node declares and
`ros2 param describe` shows, `config/<node>.yaml`, `docs/parameters.md` (both written by `imusic_ros.parameter_docs`),
launch arguments and options of the command line (`imusic_ros.graph`). No ROS is imported before a node asks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rcl_interfaces.msg import ParameterDescriptor

Value = bool | int | float | str | list[str]

LONGEST_TEXT: Final = 4096
"""Characters of a text, or of each of several: no path is longer."""

_TYPES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "names"}
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter of a node.

    Attributes:
        name: of the parameter.
        default: used when no file or argument sets it; its type is the parameter's type. A list of strings is never
            empty, because ROS sees no type in an empty one: `[""]` stands for none.
        description: meaning, in one sentence that fits on a line of help.
        minimum: smallest value allowed, for numbers.
        maximum: largest value allowed, for numbers.
        choices: the only values allowed, if not empty.
        live: may change while the node is configured; all others only while it is unconfigured.
        unit: of numbers.
        effect: what else is to be known before it is changed, for the YAML file and the documentation.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    unit: str = ""
    effect: str = ""

    @property
    def type_name(self) -> str:
        """Type in words, as ROS calls it."""
        return {bool: "bool", int: "int", float: "double", str: "string", list: "string[]"}[type(self.default)]

    @property
    def range(self) -> str:
        """Unit and bounds, or the choices; empty where there are none."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        bounds = "" if self.minimum is None or self.maximum is None else f"{self.minimum:.12g} to {self.maximum:.12g}"
        return " ".join(part for part in (bounds, self.unit) if part)

    @property
    def help(self) -> str:
        """Description, unit and bounds."""
        return f"{self.description.rstrip('.')} ({self.range})." if self.range else self.description

    @property
    def liveness(self) -> str:
        """When it can be changed, in words."""
        return "Live: can change while the node runs." if self.live else "Read when the node is configured."

    def descriptor(self) -> ParameterDescriptor:
        """What `ros2 param describe` shows."""
        from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

        descriptor = ParameterDescriptor(description=f"{self.help} {self.liveness}", dynamic_typing=False)
        descriptor.additional_constraints = self.range
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(self.minimum), to_value=float(self.maximum))
                ]
            else:
                descriptor.integer_range = [IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum))]
        return descriptor

    def parsed(self, value: object) -> Value:
        """A value of this parameter from text, as it stands on a command line; names are separated by commas.

        Raises:
            ValueError: it is of another type, out of bounds, or none of the choices.
        """
        kind = type(self.default)
        found: Value
        try:
            if isinstance(self.default, list):
                names = value if isinstance(value, list) else str(value).split(",")
                found = [str(name).strip() for name in names]
            elif isinstance(self.default, bool):
                found = _TRUTH[str(value).lower()]
            else:
                found = type(self.default)(str(value))
        except (KeyError, ValueError) as error:
            raise ValueError(f"{self.name}: expected {_TYPES[kind]}, found {value!r}; correct it") from error
        refusal = self.refusal(found)
        if refusal is not None:
            raise ValueError(refusal)
        return found

    def refusal(self, value: Value) -> str | None:
        """Why `value`, which is of the right type, cannot be set; None if it can."""
        texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        if any(len(text) > LONGEST_TEXT for text in texts):
            return f"{self.name}: expected at most {LONGEST_TEXT} characters, found {max(map(len, texts))}; shorten it"
        if self.choices and value not in self.choices:
            return f"{self.name}: expected one of {', '.join(self.choices)}, found {value!r}; take one of these"
        if isinstance(value, float) and not math.isfinite(value):
            return f"{self.name}: expected a finite number, found {value}; correct it"
        bounded = self.minimum is not None and self.maximum is not None and isinstance(value, int | float)
        if bounded and not self.minimum <= value <= self.maximum:  # type: ignore[operator]
            return f"{self.name}: expected {self.range}, found {value}; stay within these bounds"
        return None

    def text(self, value: Value | None = None) -> str:
        """A value, by default the default, as `parsed` reads it."""
        value = self.default if value is None else value
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(value) if isinstance(value, list) else str(value)


USE_SIM_TIME = ParameterSpec(
    "use_sim_time",
    False,
    "Take the time from /clock, as a simulation or a replay publishes it.",
    effect="rclpy's own parameter. Stamps, ages and transforms are then of that clock; while it stands still nothing "
    "grows stale, and diagnostics say so where nobody publishes it.",
)
"""Every node has it without declaring it."""
