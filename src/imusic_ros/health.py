"""What a node says of itself once a second on `/diagnostics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

OK = 0
WARN = 1
ERROR = 2
STALE = 3


@dataclass(frozen=True)
class Health:
    """Level (OK, WARN, ERROR, STALE), one line for people, and named values with their unit in the name.

    `parts`: of what the node looks after, by name; each has a status of its own, `<node>/<part>`.
    """

    level: int
    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    parts: Mapping[str, Health] = field(default_factory=dict)

    def all_statuses(self, node: str, hardware_id: str) -> list[DiagnosticStatus]:
        """This and its parts as diagnostic messages."""
        parts = (part.status(f"{node}/{name}", hardware_id) for name, part in self.parts.items())
        return [self.status(node, hardware_id), *parts]

    def status(self, node: str, hardware_id: str) -> DiagnosticStatus:
        """As a diagnostic message."""
        return DiagnosticStatus(
            level=bytes([self.level]),
            name=node,
            message=self.message,
            hardware_id=hardware_id,
            values=[KeyValue(key=key, value=_text(value)) for key, value in self.values.items()],
        )


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
