"""How a simulated hub behaves."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class HubSettings:
    """How the hub behaves.

    Attributes:
        name: reported in HELLO.
        firmware: version reported in HELLO.
        rate_hz: samples per second until SET_RATE.
        max_rate_hz: highest rate that SET_RATE may ask for.
        jitter_s: mean delay of a frame on its way out, s; exponentially distributed, order is kept.
        silence_s: streaming ends when nothing was received for this long, s; None: never (serial).
        key: that the host has to have, 32 bytes; None: everybody is answered.
    """

    name: str = "imusic-sim"
    firmware: str = "1.0.0"
    rate_hz: int = 100
    max_rate_hz: int = 400
    jitter_s: float = 0.0005
    silence_s: float | None = None
    key: bytes | None = field(default=None, repr=False)
