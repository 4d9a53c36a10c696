"""What people are told where two hubs claim to be one."""

from __future__ import annotations

from typing import Final

TWO_HUBS: Final = "two hubs claim to be "
"""How it begins."""


def two_hubs(name: str, used: str, rival: str) -> str:
    """One line: who they are, which is used, and what to do.

    Args:
        name: that both have.
        used: where the one is that goes on as before.
        rival: address of the other, which is not heard.
    """
    return (
        f"{TWO_HUBS}{name!r}: expected one, found {used}, which is used, and another at {rival}, which is not heard; "
        "switch one of them off, give each a name and a key of its own (docs/security.md), or set `hub_address` to "
        "the address of the one that shall be used"
    )
