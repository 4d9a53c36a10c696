"""Parameters declared once, with type, bounds and meaning, so that `ros2 param describe` tells the truth."""

from __future__ import annotations

from dataclasses import dataclass

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

Value = bool | int | float | str | list[str]


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter of a node.

    Attributes:
        name: of the parameter.
        default: used when no file or argument sets it; its type is the parameter's type. A list of strings is never
            empty, because ROS sees no type in an empty one: `[""]` stands for none.
        description: unit, meaning and effect, in one sentence.
        minimum: smallest value allowed, for numbers.
        maximum: largest value allowed, for numbers.
        choices: the only values allowed, if not empty.
        live: may change while the node is configured; all others only while it is unconfigured.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Value, ...] = ()
    live: bool = False

    def descriptor(self) -> ParameterDescriptor:
        """What `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(description=self.description, dynamic_typing=False)
        if self.choices:
            descriptor.additional_constraints = "one of: " + ", ".join(map(str, self.choices))
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(self.minimum), to_value=float(self.maximum))
                ]
            else:
                descriptor.integer_range = [IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum))]
        return descriptor

    def refusal(self, value: Value) -> str | None:
        """Why `value` cannot be set, or None if it can. Ranges are refused by ROS itself."""
        if self.choices and value not in self.choices:
            return f"{self.name}: expected one of {', '.join(map(str, self.choices))}, found {value!r}"
        return None
