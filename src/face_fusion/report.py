"""What the fusion says of itself, free of ROS: a level, a line, numbers."""

from __future__ import annotations

import math

from face_fusion.fuser import Fuser
from face_fusion.regions import REGIONS

_OK, _WARN = 0, 1
_DOUBTED = 0.5

_ADVICE = {
    "lost": "sees no face; bring it into view",
    "frozen": "repeats one picture while the sensors move; restart its app",
    "late": "is silent or too late; is its app in front, and the network well?",
    "ahead": "has stamps ahead of the sensors'; are the clocks of both machines set?",
}
SILENT_S = 1.0


def health_of(fuser: Fuser, now_s: float) -> tuple[int, str, dict[str, object]]:
    """Level (0 well, 1 warn), a line and numbers, at `now_s` on the clock of the stamps.

    Who never was heard is no reason to warn, as long as another source is.
    """
    values: dict[str, object] = {"refused": fuser.refused, "restarts": fuser.restarts}
    troubles, giving = [], []
    newest_s = fuser.sensors_s
    silent_s = now_s - newest_s
    if math.isinf(newest_s):
        values["sensors"] = "silent"
    else:
        values["sensors"] = "silent" if silent_s > SILENT_S else "live" if fuser.sensors_live else "stale"
    if values["sensors"] == "live":
        giving.append("sensors")
    else:
        troubles.append("no face from the sensors")
    for name, witness in fuser.witnesses.items():
        condition = witness.condition
        if condition == "seen" and now_s - witness.newest_s > SILENT_S:
            condition = "late"
        values[name] = condition
        if condition == "silent":
            continue
        estimate = witness.lag.estimate
        values |= {
            f"{name}_pictures": witness.pictures,
            f"{name}_refused": witness.refused,
            f"{name}_lag_ms": 1e3 * estimate.lag_s,
            f"{name}_lag": "found" if estimate.told else "assumed",
            f"{name}_correlation": estimate.correlation,
            **{f"{name}_trust_{region}": float(t) for region, t in zip(REGIONS, witness.trusted, strict=True)},
        }
        if condition != "seen":
            troubles.append(f"{name} {_ADVICE[condition]}")
            continue
        giving.append(name)
        doubted = [region for region, t in zip(REGIONS, witness.trusted, strict=True) if t < _DOUBTED]
        if doubted:
            troubles.append(f"what the {name} says of the {' and '.join(doubted)} does not fit the sensors")
    if not giving:
        return _WARN, "; ".join(troubles) or "nothing is heard", values
    made = f"face of {' and '.join(giving)}"
    return (_WARN, f"{made}; {'; '.join(troubles)}", values) if troubles else (_OK, made, values)
