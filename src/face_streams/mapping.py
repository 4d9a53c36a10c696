"""Mappings: what a stream makes of the weights, from a YAML file. Smoothed first, then remapped, scaled and clamped.

For each weight: clamp(gain * (what it is made of) + offset, minimum, maximum). It is made of itself unless `of` says
otherwise. A name without its side, such as mouthSmile, stands for left and right.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.settings import SettingsKind
from face_streams.errors import MappingError
from face_streams.one_euro import OneEuro
from face_streams.regions import REGIONS

Floats = NDArray[np.float64]

LARGEST = 100.0
"""Gains and offsets beyond this are slips of the pen."""
SIDES: Final = ("Left", "Right")
MOST_EXTRAS = 64


@dataclass(frozen=True)
class WeightRule:
    """What is made of one weight, or of both sides.

    Attributes:
        of: weights that it is made of, with factors; None: itself.
        gain: factor.
        offset: added after it.
        minimum, maximum: clamps.
    """

    of: dict[str, float] | None = None
    gain: float = 1.0
    offset: float = 0.0
    minimum: float = 0.0
    maximum: float = 1.0

    def __post_init__(self) -> None:
        for name in ("gain", "offset", "minimum", "maximum"):
            _checked(name, getattr(self, name))
        if self.minimum > self.maximum:
            raise ValueError(
                f"expected minimum at most maximum, found {self.minimum:g} and {self.maximum:g}; exchange them"
            )
        for name, factor in (self.of or {}).items():
            _checked(f"of.{name}", factor)


@dataclass(frozen=True)
class Hidden:
    """What becomes of weights that IMUs on skin cannot see: `keep` sends what the model makes of the rest of the face.

    Attributes:
        gaze: the eight eyeLook weights.
        tongue: tongueOut.
        others: all others that the message calls not observable.
    """

    gaze: Literal["keep", "zero"] = "zero"
    tongue: Literal["keep", "zero"] = "zero"
    others: Literal["keep", "zero"] = "keep"


@dataclass(frozen=True)
class Head:
    """The head's orientation.

    Attributes:
        send: whether it is sent.
        gain: of the angle about its axis: 1 turns an avatar as far as the wearer, 0 not at all.
    """

    send: bool = True
    gain: float = 1.0

    def __post_init__(self) -> None:
        _checked("gain", self.gain)


@dataclass(frozen=True)
class FaceMapping:
    """One mapping file.

    Attributes:
        weights: rules by name; weights without one go through as they are, clamped to 0 to 1.
        smoothing: One Euro filters by region of the face, see `face_streams.regions`; regions without one stay raw.
        hidden: what becomes of weights that IMUs cannot see.
        head: what becomes of the head.
        mirror: whether left and right are exchanged, as in a mirror; the head's yaw and roll too.
        extra: further shapes for VMC, such as VRM's presets, made of the mapped weights: name to weights with factors.
    """

    weights: dict[str, WeightRule] = field(default_factory=dict)
    smoothing: dict[str, OneEuro] = field(default_factory=dict)
    hidden: Hidden = field(default_factory=Hidden)
    head: Head = field(default_factory=Head)
    mirror: bool = False
    extra: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for region in self.smoothing:
            if region not in REGIONS:
                raise ValueError(
                    f"smoothing: expected regions among {', '.join(REGIONS)}, found {region!r}{_near(region, REGIONS)}"
                )
        ruled: dict[str, str] = {}
        for name, rule in self.weights.items():
            for target, sources in _expanded(name, rule.of or {name: 1.0}):
                if target in ruled:
                    raise ValueError(
                        f"weights: expected one rule for {target}, found {ruled[target]} and {name}; remove one"
                    )
                ruled[target] = name
                _known(sources, f"weights.{name}.of")
        if len(self.extra) > MOST_EXTRAS:
            raise ValueError(f"extra: expected at most {MOST_EXTRAS} shapes, found {len(self.extra)}; remove some")
        for name, sources in self.extra.items():
            if not name or not name.isprintable() or len(name) > 64:
                raise ValueError(f"extra: expected names of 1 to 64 printable letters, found {name!r}; rename it")
            _known(sources, f"extra.{name}")
            for source, factor in sources.items():
                _checked(f"extra.{name}.{source}", factor)


MAPPINGS: Final = SettingsKind("mapping of weights", FaceMapping, MappingError, folder="mappings")


_NONE: Final = np.zeros(0)


class WeightMap:
    """A mapping as arrays.

    Args:
        mapping: as its file says.

    Attributes:
        extra_names: names of the shapes that `extra` gives.
    """

    def __init__(self, mapping: FaceMapping) -> None:
        matrix, offset = np.eye(arkit.COUNT), np.zeros(arkit.COUNT)
        lowest, highest = np.zeros(arkit.COUNT), np.ones(arkit.COUNT)
        for name, rule in mapping.weights.items():
            for target, sources in _expanded(name, rule.of or {name: 1.0}):
                row = arkit.INDEX[target]
                matrix[row] = rule.gain * _row(sources)
                offset[row], lowest[row], highest[row] = rule.offset, rule.minimum, rule.maximum
        if mapping.mirror:
            mirror = list(arkit.MIRROR)
            matrix, offset, lowest, highest = matrix[mirror], offset[mirror], lowest[mirror], highest[mirror]
        self._matrix, self._offset, self._lowest, self._highest = matrix, offset, lowest, highest
        self.extra_names = tuple(mapping.extra)
        self._extra = np.array([_row(sources) for sources in mapping.extra.values()]).reshape(-1, arkit.COUNT)

    def weights(self, weights: NDArray[np.floating]) -> Floats:
        """(52,) mapped weights of (52,) weights."""
        mapped: Floats = self._matrix @ weights + self._offset
        np.maximum(mapped, self._lowest, out=mapped)
        np.minimum(mapped, self._highest, out=mapped)
        return mapped

    def extra(self, mapped: Floats) -> Floats:
        """Values of the extra shapes, 0 to 1, of mapped weights."""
        if not self.extra_names:
            return _NONE
        found: Floats = self._extra @ mapped
        np.maximum(found, 0.0, out=found)
        np.minimum(found, 1.0, out=found)
        return found


def _row(sources: Mapping[str, float]) -> Floats:
    row = np.zeros(arkit.COUNT)
    for name, factor in sources.items():
        row[arkit.INDEX[name]] = factor
    return row


def _expanded(name: str, sources: Mapping[str, float]) -> Iterator[tuple[str, dict[str, float]]]:
    """A rule for one weight, or for both sides where the name has none; so with what it is made of."""
    if name in arkit.INDEX:
        yield name, dict(sources)
        return
    if any(name + side not in arkit.INDEX for side in SIDES):
        raise ValueError(f"weights: expected an ARKit blendshape, found {name!r}{_near(name, arkit.BLENDSHAPES)}")
    for side in SIDES:
        yield name + side, {s if s in arkit.INDEX else s + side: factor for s, factor in sources.items()}


def _known(sources: Mapping[str, float], where: str) -> None:
    for name in sources:
        if name not in arkit.INDEX:
            raise ValueError(f"{where}: expected ARKit blendshapes, found {name!r}{_near(name, arkit.BLENDSHAPES)}")


def _near(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else "; correct the name"


def _checked(name: str, value: float) -> None:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise ValueError(f"{name}: expected at most {LARGEST:g} either way, found {value:g}; correct it")
