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
    """Level (OK, WARN, ERROR, STALE), one line for people, and named values with their unit in the name."""

    level: int
    message: str
    values: Mapping[str, object] = field(default_factory=dict)

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
