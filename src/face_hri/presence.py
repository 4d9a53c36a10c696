"""When a face is there and when it is lost, and what it is called meanwhile.

REP-155: the identifier of a face holds as long as the face is tracked and means nothing afterwards; a person's stays.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

WEARER = "wearer"
"""Person where there is no namespace to name one: anybody may wear the sensors."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}", re.ASCII)


def new_face_id() -> str:
    """A short identifier that no other face has, as REP-155 recommends them: it begins with a letter."""
    return f"f{secrets.token_hex(3)}"


def checked_person(given: str, namespace: str) -> str:
    """Identifier of the person who wears the sensors of a namespace; it stays the same from run to run.

    Args:
        given: what the user wants it to be; empty: made of the namespace.
        namespace: absolute.

    Raises:
        ValueError: ROS takes no such name as a part of a topic.
    """
    if given:
        if not _IDENTIFIER.fullmatch(given) or "__" in given:
            raise ValueError(
                "expected a person's identifier of letters, digits and single underscores that begins with a letter, "
                f"found {given[:80]!r}; choose another"
            )
        return given
    return "_".join(part for part in namespace.split("/") if part) or WEARER


@dataclass(frozen=True)
class Change:
    """What a look changed.

    Attributes:
        lost: identifier of the face that is gone; empty: none.
        found: identifier of the face that has come; empty: none.
    """

    lost: str = ""
    found: str = ""


NOTHING = Change()


class Presence:
    """Follows one wearer: a face appears with the first weights that follow it, and is lost when they stop.

    Args:
        lost_after_s: without such weights, the face is lost after this.
        new_id: makes identifiers.

    Attributes:
        face: identifier of the face; empty while there is none.
        known: whether there ever was one.
    """

    def __init__(self, lost_after_s: float, new_id: Callable[[], str] = new_face_id) -> None:
        self.lost_after_s = lost_after_s
        self.face = ""
        self.known = False
        self._new_id = new_id
        self._followed_s = 0.0

    def follows(self, now_s: float) -> Change:
        """Weights follow the face at this moment, s of any clock that never goes back."""
        self._followed_s = now_s
        if self.face:
            return NOTHING
        self.face, self.known = self._new_id(), True
        return Change(found=self.face)

    def look(self, now_s: float) -> Change:
        """To be called now and then: is the face lost?"""
        if not self.face or now_s - self._followed_s < self.lost_after_s:
            return NOTHING
        return self.leave()

    def leave(self) -> Change:
        """Nothing is to be said of the face any more."""
        gone, self.face = self.face, ""
        return Change(lost=gone) if gone else NOTHING
