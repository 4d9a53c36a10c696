"""Whom one node serves: names that are namespaces, and profiles of the same name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from face_inference.errors import PeopleError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def checked_people(names: Sequence[str], wearer: str) -> tuple[str, ...]:
    """Names as given; none at all for `[""]`, which is how ROS writes an empty list of strings.

    Raises:
        PeopleError: a name cannot be a ROS namespace or stands twice, or `wearer` names a profile for one of several.
    """
    if list(names) in ([], [""]):
        return ()
    bad = [name for name in names if not _NAME.fullmatch(name) or "__" in name]
    if bad:
        raise PeopleError(
            "expected people's names of letters, digits and single underscores that begin with a letter, because they "
            f"become ROS namespaces, found {', '.join(map(repr, bad))}; take other names"
        )
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise PeopleError(f"expected each of the people once, found {', '.join(twice)} more than once; name each once")
    if wearer:
        raise PeopleError(
            f"expected no wearer beside people, found {wearer!r}: each of them uses the profile of their own name; "
            "leave wearer empty"
        )
    return tuple(names)
