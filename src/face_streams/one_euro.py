"""The One Euro filter by time: the same motion is smoothed alike at 30, 60 or 100 Hz, and with jitter.

G. Casiez, N. Roussel, D. Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive
Systems", CHI 2012, doi 10.1145/2207676.2208639: a low pass of first order whose cutoff rises with speed,
fc = fc_min + beta * |speed|, where the speed itself is smoothed at a cutoff of its own.

The paper steps both low passes by Euler's rule, whose smoothing depends on the rate. Here they are solved exactly
between two samples: the input runs straight from one to the next, the speed is constant meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LONGEST_GAP_S = 0.5
"""After a longer silence, or where time goes back, what was before says nothing: the filter begins anew."""


@dataclass(frozen=True)
class OneEuro:
    """How much one kind of value is smoothed.

    Attributes:
        minimum_cutoff_hz: cutoff at rest: less is calmer and later.
        beta: Hz of cutoff for each unit a second of speed: more is less late in fast motion.
        derivative_cutoff_hz: cutoff of the speed.
    """

    minimum_cutoff_hz: float
    beta: float = 0.0
    derivative_cutoff_hz: float = 1.0

    def __post_init__(self) -> None:
        for name, least in (("minimum_cutoff_hz", 0.01), ("beta", 0.0), ("derivative_cutoff_hz", 0.01)):
            value = getattr(self, name)
            if not least <= value <= 1000.0:
                raise ValueError(f"{name}: expected {least:g} to 1000, found {value:g}; correct it")


class OneEuroFilter:
    """Smooths a vector.

    Args:
        settings: of each value; None: that one is passed on as it is.
    """

    def __init__(self, settings: Sequence[OneEuro | None]) -> None:
        self._at = np.array([i for i, setting in enumerate(settings) if setting is not None], dtype=np.intp)
        chosen = [setting for setting in settings if setting is not None]
        self._minimum = np.array([setting.minimum_cutoff_hz for setting in chosen])
        self._beta = np.array([setting.beta for setting in chosen])
        self._derivative = np.array([setting.derivative_cutoff_hz for setting in chosen])
        self._time_s = -math.inf
        self._raw = self._smooth = self._speed = np.zeros(len(chosen))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is smoothed."""
        return not len(self._at)

    def reset(self) -> None:
        """Forget what was."""
        self._time_s = -math.inf

    def __call__(self, values: NDArray[np.floating], time_s: float) -> Floats:
        """The smoothed values, all of them; `time_s` is that of the sample. A time given twice changes nothing."""
        out = np.array(values, dtype=np.float64)
        if self.is_idle:
            return out
        raw, step_s = out[self._at], time_s - self._time_s
        if not 0.0 <= step_s <= LONGEST_GAP_S:
            self._smooth, self._speed = raw, np.zeros_like(raw)
        elif step_s > 0.0:
            slope = (raw - self._raw) / step_s
            kept = np.exp(-2.0 * math.pi * self._derivative * step_s)
            self._speed = kept * self._speed + (1.0 - kept) * slope
            rate = 2.0 * math.pi * (self._minimum + self._beta * np.abs(self._speed))
            kept = np.exp(-rate * step_s)
            # The exact answer of the low pass to a line from the last sample to this one.
            late = slope / rate
            self._smooth = kept * (self._smooth - self._raw + late) + raw - late
        self._raw, self._time_s = raw, time_s
        out[self._at] = self._smooth
        return out
