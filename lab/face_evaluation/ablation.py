"""Takes with sensors missing from the start: each one dead in turn, and fewer and fewer of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from imu_sim.recording import Recording

ALL_SENSORS = "all sensors"

_MUSCLES = ("orbicularis", "levator", "buccinator", "frontalis", "zygomaticus", "mentalis")
"""Of the layout `face_12`, in the order in which sensors are left out: neighbours tell most of what they tell."""

_KEPT = (9, 7, 5, 3)
"""Skin sensors left in the subsets; the unit on the skull is always there, as nothing can be told without it."""


def without(recording: Recording, names: Collection[str]) -> Recording:
    """The take as if these sensors had never sent anything."""
    valid = recording.valid.copy()
    valid[:, [i for i, name in enumerate(recording.sensor_names) if name in names]] = False
    return replace(recording, valid=valid)


def dead_in_turn(names: Sequence[str], reference: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Title and missing sensors of each trial with one skin sensor dead."""
    yield from ((f"without {name}", (name,)) for name in names if name != reference)


def fewer_and_fewer(names: Sequence[str], reference: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Title and missing sensors of trials with 9, 7, 5 and 3 skin sensors, as far as the layout has so many.

    Pairs go together, so that both sides of the face are always seen alike.
    """
    skin = [name for name in names if name != reference]
    order = sorted(skin, key=lambda name: (_rank(name), skin.index(name)))
    for kept in _KEPT:
        if kept < len(skin):
            yield f"{kept} skin sensors", tuple(order[: len(skin) - kept])


def _rank(name: str) -> int:
    return next((i for i, muscle in enumerate(_MUSCLES) if name.startswith(muscle)), -1)
