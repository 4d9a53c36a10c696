"""What can be used of each sample: of the layout's shape, in order, by the model's sensors, and believable."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_inference.continuity import Coming, Continuity, missed_numbers, numbered_anew
from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import InputLayout, TrackerCounters
from face_inference.model_folder import ModelDescription
from face_inference.sample_check import SampleCheck
from face_inference.sensor_match import SensorMatch
from face_model.imu_sample import STATUS_ORIENTATION_HOST, ImuSample
from face_model.saved_arrays import Arrays, SavedArrays, part_of

_MOST_MISSED = 4096


class Measured(NamedTuple):
    """What the model's `S` sensors measured at one time.

    Attributes:
        orientation: (S, 4) sensor to its earth frame.
        angular_velocity: (S, 3) rad/s.
        specific_force: (S, 3) m/s2.
        valid: (S,) which of them can be used.
    """

    orientation: NDArray[np.floating]
    angular_velocity: NDArray[np.floating]
    specific_force: NDArray[np.floating]
    valid: NDArray[np.bool_]


class Arrival(NamedTuple):
    """How a sample that can be used follows those before.

    Attributes:
        coming: what it is to them; never `Coming.LATE`.
        ahead: 1, or by how much its number went on where samples between are lost and few enough to be filled.
        fused_anew: whether whoever numbers samples was restarted and has fused these orientations, too.
    """

    coming: Coming
    ahead: int = 1
    fused_anew: bool = False


ORDINARY = Arrival(Coming.NEXT)
"""Of the sample after the last one."""


class SampleIntake:
    """Follows one stream of samples.

    Args:
        description: of the model.
        max_gap_s: a longer time between samples is a gap.
        counters: where what happens is counted.

    Attributes:
        breaks: counts samples that were not the next.
        missed: first and last number of each run of samples that did not come, the newest of them.
    """

    def __init__(self, description: ModelDescription, max_gap_s: float, counters: TrackerCounters) -> None:
        self.breaks = 0
        self.missed: deque[tuple[int, int]] = deque(maxlen=_MOST_MISSED)
        self._counters = counters
        self._description = description
        self._sensors = SensorMatch(description)
        self._continuity = Continuity(max_gap_s)
        self._check = SampleCheck(len(description.mounts.names))

    @property
    def layout(self) -> InputLayout | None:
        """Of the incoming sensors; None: they are the model's, in its order, at its rate."""
        return self._sensors.layout

    @property
    def rate_hz(self) -> float:
        """Of the incoming samples."""
        layout = self._sensors.layout
        return self._description.rate_hz if layout is None else layout.rate_hz

    @property
    def missing_sensors(self) -> tuple[str, ...]:
        """Sensors the model knows and the layout lacks."""
        return self._sensors.missing

    @property
    def newest(self) -> tuple[int, float] | None:
        """Number and hub time (s) of the newest sample; None before the first of a layout."""
        return self._continuity.newest

    @property
    def newest_sequence(self) -> int | None:
        """Number of the newest sample; None before the first of a layout."""
        return None if self.newest is None else self.newest[0]

    def use_layout(self, layout: InputLayout) -> bool:
        """Match another layout and believe its first sample; False if it is the same as before.

        Raises:
            LayoutMismatchError: see `SensorMatch.follow`; nothing has changed then.
        """
        if not self._sensors.follow(layout):
            return False
        self._continuity.newest = None
        self._check.reset()
        return True

    def follow(self, sample: ImuSample) -> Arrival | None:
        """How a sample follows those before; None (and counted) if it is of another layout, comes late or twice."""
        if not self._sensors.fits(sample):
            self._counters.refused += 1
            return None
        before = self._continuity.newest
        coming, ahead = self._continuity.follow(sample.sequence, sample.hub_time_s, self.rate_hz)
        if coming is Coming.NEXT and ahead == 1:
            return ORDINARY
        if coming is Coming.LATE:
            self._counters.refused += 1
            return None
        self.breaks += 1
        if before is not None:
            self.missed.extend(missed_numbers(before[0], sample.sequence, ahead))
        if coming is Coming.RESTART:
            self._check.reset()
            return Arrival(coming)
        self._counters.lost += ahead - 1
        if coming is Coming.NEXT:
            return Arrival(coming, ahead)
        anew = before is not None and numbered_anew(before[0], sample.sequence)
        return Arrival(coming, fused_anew=anew and bool((sample.status & STATUS_ORIENTATION_HOST).any()))

    def measured(self, sample: ImuSample) -> Measured:
        """What the model's sensors measured, of a sample that `follow` took; what cannot be is masked and counted."""
        self._counters.samples += 1
        orientation, rates, forces, claimed = self._sensors.in_model_order(sample)
        status = self._sensors.status_in_model_order(sample)
        valid = self._check.usable(sample.hub_time_s, orientation, rates, status, claimed)
        if valid is not claimed:
            self._counters.masked += int(np.count_nonzero(claimed & ~valid))
        return Measured(orientation, rates, forces, valid)

    def saved_state(self) -> Arrays:
        """All that is remembered of the stream, as arrays, for `restored`."""
        arrays = part_of("check", self._check.saved_state())
        layout, newest = self._sensors.layout, self._continuity.newest
        if layout is not None:
            arrays |= part_of("layout", layout.saved_state())
        if newest is not None:
            arrays |= {"sequence": np.array(newest[0]), "hub_time_s": np.array(newest[1])}
        return arrays

    def restored(self, saved: SavedArrays, max_gap_s: float) -> SampleIntake:
        """Another one that goes on from parts of `saved` that `saved_state` made, and with what is counted here.

        Raises:
            SnapshotError: they are damaged, or of other sensors.
        """
        other = SampleIntake(self._description, max_gap_s, self._counters)
        other.breaks, other.missed = self.breaks, self.missed
        if saved.has_part("layout"):
            layout = InputLayout.from_saved(saved.part("layout"))
            try:
                other._sensors.follow(layout)
            except LayoutMismatchError as error:
                raise saved.refuse("a layout that can be used", error) from error
        other._check.restore_state(saved.part("check"))
        if "sequence" in saved:
            newest = saved.whole("sequence", 0, (1 << 32) - 1), saved.number("hub_time_s", 0.0)
            other._continuity.newest = newest
        return other
