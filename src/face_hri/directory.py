"""One list of faces and one of persons, though several nodes know some each.

REP-155 has one topic for the faces that are tracked, and readers take each message on it as all there are. Where
wearers have a node each, the nodes therefore tell each other what they know, and one of them, the first by name,
publishes the lists. The others take over when it is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SILENT_S = 3.0
"""A node that has told nothing for this long is gone; each tells once a second."""
LISTEN_S = 1.5
"""How long a node listens before it may publish lists: others have told by then."""

_FACE, _PERSON, _KNOWN, _HERE = "face:", "person:", "known:", "here"


@dataclass(frozen=True)
class Part:
    """What one node knows; identifiers in any order.

    Attributes:
        faces: that are tracked.
        persons: that are tracked.
        known: persons who are or were tracked.
    """

    faces: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()

    def entries(self) -> list[str]:
        """As one list of texts, for `of`; never empty."""
        kinds = ((_FACE, self.faces), (_PERSON, self.persons), (_KNOWN, self.known))
        return [_HERE, *(f"{kind}{name}" for kind, names in kinds for name in sorted(names))]

    @classmethod
    def of(cls, entries: Iterable[str]) -> Part:
        """What `entries` made; other texts are passed over."""

        def all_of(kind: str) -> frozenset[str]:
            return frozenset(entry.removeprefix(kind) for entry in taken if entry.startswith(kind))

        taken = list(entries)
        return cls(all_of(_FACE), all_of(_PERSON), all_of(_KNOWN))


NOBODY = Part()


@dataclass
class Directory:
    """What all nodes know together.

    Args:
        own: name of this node, unlike any other's.
        began_s: when it began to listen.
    """

    own: str
    began_s: float
    part: Part = NOBODY
    _others: dict[str, tuple[Part, float]] = field(default_factory=dict)

    def hear(self, owner: str, part: Part, now_s: float) -> None:
        """Another node told what it knows."""
        if owner != self.own:
            self._others[owner] = part, now_s

    def forget(self, owner: str) -> None:
        """Another node has left."""
        self._others.pop(owner, None)

    def leads(self, now_s: float) -> bool:
        """Whether this node publishes the lists."""
        self._drop_silent(now_s)
        return now_s - self.began_s >= LISTEN_S and all(self.own < other for other in self._others)

    def together(self, now_s: float, merged: Mapping[str, Sequence[str]] | None = None) -> Part:
        """Everything that is known now.

        Args:
            now_s: the time.
            merged: faces that other detectors track, by their topic.
        """
        self._drop_silent(now_s)
        parts = [self.part, *(part for part, _ in self._others.values())]
        seen = frozenset(face for faces in (merged or {}).values() for face in faces)
        return Part(
            seen.union(*(part.faces for part in parts)),
            frozenset[str]().union(*(part.persons for part in parts)),
            frozenset[str]().union(*(part.known for part in parts)),
        )

    @property
    def others(self) -> list[str]:
        """Names of the other nodes, sorted."""
        return sorted(self._others)

    def _drop_silent(self, now_s: float) -> None:
        self._others = {name: told for name, told in self._others.items() if now_s - told[1] < SILENT_S}
