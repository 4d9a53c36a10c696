"""Which of the 52 shapes a name in a file means.

Tools spell them differently: `eyeBlinkLeft` (Apple), `eyeBlink_L` (ICT-FaceKit, Blender), `EyeBlinkLeft` (Unreal),
`A14_Eye_Blink_Left` (Reallusion), with a mesh's name in front (`blendShape1.eyeBlink_L`, `Head|jawOpen`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from face_model import arkit

_ENDINGS: Final = {"mesh", "shape", "geo", "bs", "target", "morph"}
"""Last words that tools add."""


def _spellings() -> dict[str, str]:
    table = {}
    for name in arkit.BLENDSHAPES:
        table[name.lower()] = name
        for side in ("Left", "Right"):
            if name.endswith(side):
                stem = name.removesuffix(side).lower()
                table |= {
                    f"{stem}{side[0].lower()}": name,
                    f"{side.lower()}{stem}": name,
                    f"{side[0].lower()}{stem}": name,
                }
    return table


_SPELLINGS: Final = _spellings()
_MIDLINE: Final = {n.lower(): n for n in arkit.BLENDSHAPES if arkit.mirrored(n) == n}


@dataclass(frozen=True)
class Match:
    """What a name in a file means: a shape, or one half (left or right) of a midline shape such as `browInnerUp_L`."""

    shape: str
    half: bool = False


def match(name: str) -> Match | None:
    """The ARKit shape a name means; None if it means none."""
    words = [word.lower() for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    while words:
        for start in range(len(words)):
            key = "".join(words[start:])
            if key in _SPELLINGS:
                return Match(_SPELLINGS[key])
            for side in ("left", "right", "l", "r"):
                if key.removesuffix(side) in _MIDLINE and key.endswith(side):
                    return Match(_MIDLINE[key.removesuffix(side)], half=True)
        if words[-1] not in _ENDINGS and not words[-1].isdigit():
            return None
        words.pop()
    return None


@dataclass(frozen=True)
class Matches:
    """Shapes of a file by meaning.

    Attributes:
        shapes: ARKit name to the file's names whose displacements add up to it: one, or two halves.
        unknown: names that are none of the 52.
        notes: names that were passed over, for the report.
    """

    shapes: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]


def match_all(names: Iterable[str], given: Mapping[str, str] | None = None) -> Matches:
    """Match every name of a file once.

    Args:
        names: as in the file.
        given: names of the file to ARKit names, which come before any guess.
    """
    whole: dict[str, str] = {}
    halves: dict[str, list[str]] = {}
    unknown, notes = [], []
    for name in dict.fromkeys(names):
        found = Match(given[name]) if given and name in given else match(name)
        if found is None:
            unknown.append(name)
        elif found.half:
            halves.setdefault(found.shape, []).append(name)
        elif found.shape in whole:
            notes.append(f"{name} and {whole[found.shape]} both mean {found.shape}: the second stands for it")
        else:
            whole[found.shape] = name
    shapes: dict[str, tuple[str, ...]] = {shape: (name,) for shape, name in whole.items()}
    for shape, parts in halves.items():
        if shape in whole:
            notes.append(f"{', '.join(parts)}: passed over, {shape} is there as a whole")
        else:
            shapes[shape] = tuple(parts)
            notes.append(f"{shape} is the sum of {' and '.join(parts)}")
    return Matches(shapes, tuple(unknown), tuple(notes))
