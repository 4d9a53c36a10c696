"""Whom one node serves: names that are namespaces, and profiles of the same name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from face_inference.errors import InferenceError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def checked_wearers(names: Sequence[str], wearer: str) -> tuple[str, ...]:
    """Names as given; none at all for `[""]`, which is how ROS writes an empty list of strings.

    Raises:
        InferenceError: a name cannot be a ROS namespace or stands twice, or `wearer` names one profile for several.
    """
    if list(names) in ([], [""]):
        return ()
    bad = [name for name in names if not _NAME.fullmatch(name) or "__" in name]
    if bad:
        raise InferenceError(
            "expected wearers' names of letters, digits and single underscores that begin with a letter, because they "
            f"become ROS namespaces, found {', '.join(map(repr, bad))}; take other names"
        )
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise InferenceError(f"expected each of the wearers once, found {', '.join(twice)} more than once")
    if wearer:
        raise InferenceError(
            f"expected no wearer beside wearers, found {wearer!r}: each of them uses the profile of their own name; "
            "leave wearer empty"
        )
    return tuple(names)
