"""Samples of several hubs become frames of one face, by time. No threads, no clock."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import replace

import numpy as np

from face_model.imu_sample import STATUS_ORIENTATION_VALID, STATUS_VALID, ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays, SavedArrays, part_of, text_array
from imu_driver.assembler import AssemblerCounts, FrameAssembler, Reading
from imu_driver.hub import HubIdentity


class HubJoint:
    """Frames of what several hubs measured.

    `hub_time_s` of a frame is the host's time since the first frame; it begins at 0 again where one of the hubs was
    restarted, as then some orientations have other headings. A unit that two hubs have is taken from the first of
    those that sent samples.

    Args:
        hubs: how many.
        layout: of all of them together.
        rate_hz: of the frames.

    Attributes:
        layout_id: see `Hub`.
    """

    def __init__(self, hubs: int, layout: SensorLayout, rate_hz: int) -> None:
        self.layout_id = zlib.crc32(repr(("joined", layout)).encode())
        self._layout = layout
        self._assembler = FrameAssembler(len(layout.sensors), rate_hz, self.layout_id)
        self._hub_time_s = [-math.inf] * hubs
        self._epoch_s: float | None = None
        self._met: list[HubIdentity | None] = [None] * hubs
        self._units: list[tuple[int, ...]] = [()] * hubs
        self._owner: dict[int, int] = {}

    @property
    def counts(self) -> AssemblerCounts:
        """What happened so far."""
        return self._assembler.counts

    def take(self, index: int, identity: HubIdentity | None, sample: ImuSample, now_s: float) -> None:
        """A sample of one of the hubs, and who that hub was when it was handed on."""
        if identity is not self._met[index]:
            self._met[index] = identity
            self._units[index] = tuple(s.id for s in identity.sensors) if identity is not None else ()
            self._owner = owners(self._units)
        if sample.hub_time_s < self._hub_time_s[index]:
            self._epoch_s = None  # it was restarted
        self._hub_time_s[index] = sample.hub_time_s
        for i, sensor in enumerate(self._layout.sensors):
            status = int(sample.status[i])
            if self._owner.get(sensor.id) != index or not status & STATUS_VALID:
                continue
            self._assembler.add(
                Reading(
                    i,
                    sample.host_time_s,
                    sample.orientation[i].tolist() if status & STATUS_ORIENTATION_VALID else None,
                    sample.angular_velocity[i].tolist(),
                    sample.specific_force[i].tolist(),
                    status,
                ),
                now_s,
            )

    def changes_at(self, now_s: float) -> bool:
        """Whether `frames` would do anything at a time, though no sample was taken since the last one."""
        return self._assembler.has_due(now_s)

    def frames(self, now_s: float) -> list[ImuSample]:
        """The frames that are due."""
        made = self._assembler.frames(now_s)
        if made and self._epoch_s is None:
            self._epoch_s = made[0].host_time_s
        return [replace(frame, hub_time_s=max(0.0, frame.host_time_s - (self._epoch_s or 0.0))) for frame in made]

    def saved_state(self) -> Arrays:
        """All that decides the frames to come, as arrays."""
        return part_of("assembler", self._assembler.saved_state()) | {
            "hub_time": np.array(self._hub_time_s),
            "epoch": np.array(math.nan if self._epoch_s is None else self._epoch_s),
            "units": text_array(json.dumps(self._units)),
        }

    def restore_state(self, saved: SavedArrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        count = len(self._units)
        hub_time_s = saved.array("hub_time", (count,), finite=False).tolist()
        epoch_s = float(saved.array("epoch", (), finite=False))
        try:
            units = [tuple(int(i) for i in one) for one in json.loads(saved.text("units", 1 << 16))]
            if len(units) != count:
                raise ValueError(f"{len(units)} hubs")
        except (TypeError, ValueError, RecursionError) as error:
            raise saved.refuse(f"the units of {count} hubs", repr(error)[:200]) from error
        assembler = saved.part("assembler")
        saved.end()
        self._assembler.restore_state(assembler)
        self._hub_time_s, self._epoch_s = hub_time_s, None if math.isnan(epoch_s) else epoch_s
        self._units, self._owner = units, owners(units)
        # Who they are is told again with the next sample of each.
        self._met = [None] * count


def owners(units: list[tuple[int, ...]]) -> dict[int, int]:
    """Which of several hubs a unit is taken from, by its number: the first that has it."""
    owner: dict[int, int] = {}
    for index, numbers in enumerate(units):
        for number in numbers:
            owner.setdefault(number, index)
    return owner
