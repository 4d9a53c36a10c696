"""Which of the 52 shapes a name in a file means.

Tools spell them differently: `eyeBlinkLeft` (Apple), `eyeBlink_L` (ICT-FaceKit, Blender), `EyeBlinkLeft` (Unreal),
`A14_Eye_Blink_Left` (Reallusion), with a mesh's name in front (`blendShape1.eyeBlink_L`, `Head|jawOpen`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    plain: bool = field(default=True, compare=False)
    """Whether the name is the shape's own, with nothing before or after it."""


def match(name: str) -> Match | None:
    """The ARKit shape a name means; None if it means none, or a combination of several."""
    words = _words(name)
    if _combined(words):
        return None
    count = len(words)
    while words:
        for start in range(len(words)):
            found = _one(words[start:])
            if found is not None:
                return replace(found, plain=start == 0 and len(words) == count)
        if words[-1] not in _ENDINGS and not words[-1].isdigit():
            return None
        words.pop()
    return None


def is_combination(name: str) -> bool:
    """Whether a name stands for several shapes at once, as `jawOpen_mouthClose` does: a corrective, not a shape."""
    return _combined(_words(name))


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", name) if word]


def _one(words: Sequence[str]) -> Match | None:
    """The shape that words spell without a rest."""
    key = "".join(words)
    if key in _SPELLINGS:
        return Match(_SPELLINGS[key])
    for side in ("left", "right", "l", "r"):
        if key.removesuffix(side) in _MIDLINE and key.endswith(side):
            return Match(_MIDLINE[key.removesuffix(side)], half=True)
    return None


def _combined(words: Sequence[str]) -> bool:
    """Whether two different shapes stand in the words, one after the other."""
    spans = [
        (start, stop, found.shape)
        for start in range(len(words))
        for stop in range(start + 1, min(start + _MOST_WORDS, len(words)) + 1)
        if (found := _one(words[start:stop])) is not None
    ]
    return any(stop <= after and shape != other for _, stop, shape in spans for after, _, other in spans)


_MOST_WORDS: Final = 5
"""Of one shape's name: `A 14 Eye Blink Left` has three that count."""


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
        given: names of the file to ARKit names, which come before any guess; then come names that are a shape's own.
    """
    whole: dict[str, str] = {}
    ranks: dict[str, int] = {}
    halves: dict[str, list[str]] = {}
    unknown, notes = [], []
    combinations: list[str] = []
    for name in dict.fromkeys(names):
        told = given is not None and name in given
        found = Match(given[name]) if given is not None and told else match(name)
        if found is None and is_combination(name):
            combinations.append(name)
        elif found is None:
            unknown.append(name)
        elif found.half:
            halves.setdefault(found.shape, []).append(name)
        else:
            rank = 0 if told else 1 if found.plain else 2
            if found.shape in whole:
                kept, other = (name, whole[found.shape]) if rank < ranks[found.shape] else (whole[found.shape], name)
                notes.append(f"{other} and {kept} both mean {found.shape}: the second stands for it")
                rank, name = min(rank, ranks[found.shape]), kept
            whole[found.shape], ranks[found.shape] = name, rank
    if combinations:
        more = f" and {len(combinations) - 8} more" if len(combinations) > 8 else ""
        notes.append(f"combinations of shapes, not used: {', '.join(combinations[:8])}{more}")
    shapes: dict[str, tuple[str, ...]] = {shape: (name,) for shape, name in whole.items()}
    for shape, parts in halves.items():
        if shape in whole:
            notes.append(f"{', '.join(parts)}: passed over, {shape} is there as a whole")
        else:
            shapes[shape] = tuple(parts)
            notes.append(f"{shape} is the sum of {' and '.join(parts)}")
    return Matches(shapes, tuple(unknown), tuple(notes))


def still_notes(still: Iterable[str], given: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What to say of names under which nothing moves: they do not count as shapes that are there."""
    named = [name for name in still if (given and name in given) or match(name) is not None]
    return (f"shapes that move nothing, as if they were not there: {', '.join(named)}",) if named else ()
