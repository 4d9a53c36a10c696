"""What can be known of a wearer when the network reads a face."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["neutral", "worn", "routine", "routine_worn", "phone"]
"""The neutral only; some minutes of unlabelled wear too; the guided routine; both; the routine, and natural motion
beside a phone."""

STATES: tuple[State, ...] = get_args(State)

LEARNED_FROM_MOTION: tuple[State, ...] = ("worn", "routine_worn", "phone")
"""States that are learned from natural motion, on which a network must not be judged or trained then."""
