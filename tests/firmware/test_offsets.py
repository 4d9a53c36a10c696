"""Gyroscope offsets are found at rest, by one decision for all units, and subtracted."""

from __future__ import annotations

import ctypes as c
from collections.abc import Callable

import numpy as np
import pytest

from compiled_firmware import Reading

LOOKING, MOVED, FOUND = range(3)
STILL_SAMPLES = 200
UNITS = 3
COUNTS_PER_DPS = 32
"""Of a QMI8658 at 1024 degrees per second."""
Offset = c.c_int16 * 3


class Finder:
    """`imusic_offsets` on QMI8658s."""

    def __init__(self, library: c.CDLL) -> None:
        self.library = library
        size = library.sensor_bytes()
        self.sensors = c.create_string_buffer(UNITS * size)
        for i in range(UNITS):
            library.sensor_init(c.byref(self.sensors, i * size), 0, None, None, None)
        self.units = c.create_string_buffer(UNITS * 64)
        self.offsets = c.create_string_buffer(64)
        library.imusic_offsets_begin(self.offsets, self.units, c.c_size_t(UNITS))

    def add(self, *gyro: tuple[int, int, int] | None) -> int:
        """One sample; None is a unit that does not answer."""
        readings = (Reading * UNITS)()
        for reading, counts in zip(readings, gyro, strict=True):
            reading.status = 16 if counts is None else 1
            reading.gyro[:] = counts or (0, 0, 0)
        return int(self.library.imusic_offsets_add(self.offsets, self.sensors, readings))

    def of(self, unit: int) -> tuple[int, ...] | None:
        self.library.imusic_offsets_of.restype = c.c_bool
        found = Offset()
        return tuple(found) if self.library.imusic_offsets_of(self.offsets, c.c_size_t(unit), found) else None


def noise(rng: np.random.Generator, mean: tuple[int, int, int]) -> tuple[int, int, int]:
    return tuple(int(n) for n in np.rint(np.array(mean) + rng.normal(0.0, 3.5, 3)))  # type: ignore[return-value]


def test_the_mean_of_a_still_stretch_is_found(library: c.CDLL) -> None:
    finder, rng = Finder(library), np.random.default_rng(1)
    means = ((96, -150, 3), (0, 0, 0), (-60, 20, 300))
    states = [finder.add(*(noise(rng, mean) for mean in means)) for _ in range(STILL_SAMPLES)]
    assert states == [LOOKING] * (STILL_SAMPLES - 1) + [FOUND]
    for unit, mean in enumerate(means):
        np.testing.assert_allclose(finder.of(unit) or (), mean, atol=2)


@pytest.mark.parametrize(
    "disturb", [lambda n: (0, 3 * COUNTS_PER_DPS, 0), lambda n: (n, 0, 0)], ids=["a push", "a slow turn that grows"]
)
def test_one_unit_that_moves_is_enough(library: c.CDLL, disturb: Callable[[int], tuple[int, int, int]]) -> None:
    finder = Finder(library)
    for _ in range(150):
        assert finder.add((5, 5, 5), (0, 0, 0), (0, 0, 0)) == LOOKING
    assert MOVED in [finder.add((5, 5, 5), (0, 0, 0), disturb(n)) for n in range(80)]


def test_a_steady_turn_is_no_offset(library: c.CDLL) -> None:
    finder = Finder(library)
    fast = (0, 0, 21 * COUNTS_PER_DPS)
    assert {finder.add(fast, fast, fast) for _ in range(300)} == {MOVED}


def test_a_unit_that_does_not_answer_keeps_its_old_offset(library: c.CDLL) -> None:
    finder = Finder(library)
    states = [finder.add((4, 5, -6), None, (1, 1, 1) if n else None) for n in range(STILL_SAMPLES)]
    assert states[-1] == FOUND
    assert [finder.of(unit) for unit in range(UNITS)] == [(4, 5, -6), None, (1, 1, 1)]


def test_without_any_unit_nothing_is_found(library: c.CDLL) -> None:
    finder = Finder(library)
    assert {finder.add(None, None, None) for _ in range(300)} == {MOVED}
