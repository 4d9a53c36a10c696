"""Bringing up and reading the two parts, on models of their registers: what is written, what heals."""

from __future__ import annotations

import ctypes as c
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations, product

import numpy as np
import pytest

from compiled_firmware import Reading, Text
from imu_driver.hubs.imusic_v1.protocol import UnitStatus
from imu_sim.chips.parts import load_part

ABSENT, STARTING, RUNNING = range(3)
PASSED, FAILED, NO_ANSWER = range(3)
QMI8658, ICM42688 = range(2)
GYRO, ACCEL = (100, -200, 32000), (1, -2, 4096)

Write = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint8, c.c_uint8)
Read = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint8, c.POINTER(c.c_uint8), c.c_size_t)
Wait = c.CFUNCTYPE(None, c.c_void_p, c.c_uint32)


class PartHead(c.Structure):
    """How an `imusic_part` begins."""

    _fields_ = (("name", Text), ("gyro_range_dps", c.c_uint16), ("accel_range_g", c.c_uint8))


@dataclass
class PartModel:
    """Registers of a part that lies on a bench; `measure` is a period of its output rate.

    Attributes:
        answers: whether anybody acknowledges on the bus.
        now_us: time, which waits let pass.
        tear: bursts that a measurement still cuts in two.
        transfers: bytes of each read.
    """

    registers: dict[int, int] = field(default_factory=dict)
    gyro: tuple[int, int, int] = GYRO
    accel: tuple[int, int, int] = ACCEL
    answers: bool = True
    now_us: int = 0
    ready: bool = False
    weak: bool = False
    tear: int = 0
    transfers: list[int] = field(default_factory=list)
    written: list[tuple[int, int]] = field(default_factory=list)

    def power_up(self) -> None:
        raise NotImplementedError

    def put(self, reg: int, value: int) -> None:
        self.registers[reg] = value

    def get(self, reg: int) -> int:
        return self.registers.get(reg, 0)

    def measure(self) -> None:
        raise NotImplementedError

    def write(self, _context: object, reg: int, value: int) -> bool:
        if self.answers:
            self.written.append((reg, value))
            self.put(reg, value)
        return self.answers

    def read(self, _context: object, reg: int, out: c._Pointer[c.c_uint8], count: int) -> bool:
        self.transfers.append(count)
        if not self.answers:
            return False
        for i in range(count):
            out[i] = self.get(reg + i)
        if count > 6 and self.tear:
            self.tear -= 1
            self.measure()
        return True

    def wait(self, _context: object, us: int) -> None:
        self.now_us += us


class Qmi8658(PartModel):
    """QMI8658A datasheet rev. A: reset values, address increment, little and big endian, status and self-test."""

    def power_up(self) -> None:
        self.registers = {0x00: 0x05, 0x01: 0x7C, 0x02: 0x20}
        self.ready = False
        self.timestamp = 0

    def put(self, reg: int, value: int) -> None:
        if reg == 0x60 and value == 0xB0:
            self.power_up()
            return
        super().put(reg, value)
        if reg in (0x03, 0x04):  # CTRL2.aST or CTRL3.gST starts a test, INT2 tells that it is over
            self.registers[0x2D] = 1 if value & 0x80 else 0
            size = 100 if self.weak else (2000 if reg == 0x03 else -6000)
            for i in range(3):
                word = (size if value & 0x80 else self._word(0x51 + 2 * i)) & 0xFFFF
                self.registers[0x51 + 2 * i], self.registers[0x52 + 2 * i] = word & 0xFF, word >> 8

    def _word(self, reg: int) -> int:
        return self.registers.get(reg, 0) | self.registers.get(reg + 1, 0) << 8

    def read(self, _context: object, reg: int, out: c._Pointer[c.c_uint8], count: int) -> bool:
        if count > 1 and not self.registers.get(0x02, 0) & 0x40:
            count, whole = 1, count  # without ADDR_AI each byte is of the same register
            for i in range(1, whole):
                out[i] = self.get(reg)
        return super().read(_context, reg, out, count)

    def get(self, reg: int) -> int:
        if reg == 0x2E:
            now, self.ready = self.ready, False
            return 3 if now else 0
        return super().get(reg)

    def measure(self) -> None:
        if self.registers.get(0x08, 0) & 0x03 != 0x03:
            return
        self.ready = True
        self.timestamp += 1
        self.registers[0x30] = self.timestamp & 0xFF
        big = bool(self.registers[0x02] & 0x20)
        for i, count in enumerate((*self.accel, *self.gyro)):
            low, high = count & 0xFF, count >> 8 & 0xFF
            self.registers[0x35 + 2 * i], self.registers[0x36 + 2 * i] = (high, low) if big else (low, high)


class Icm42688(PartModel):
    """DS-000347: banks, reset values of the data registers, INT_STATUS cleared by reading, self-test."""

    def power_up(self) -> None:
        self.bank, self.banks = 0, {0: {0x75: 0x47, 0x4F: 0x06, 0x50: 0x06, 0x52: 0x11, 0x2D: 0x10}, 1: {}, 2: {}}
        for reg in range(0x1D, 0x2B, 2):
            self.banks[0][reg] = 0x80
        self.banks[1] |= {0x5F + i: self.code for i in range(3)}
        self.banks[2] |= {0x3B + i: self.code for i in range(3)}
        self.registers = self.banks[0]

    code = 100

    def put(self, reg: int, value: int) -> None:
        if reg == 0x76:
            self.bank = value
        elif reg == 0x11 and self.bank == 0 and value & 1:
            self.power_up()
        else:
            self.banks[self.bank][reg] = value

    def get(self, reg: int) -> int:
        if reg == 0x2D and self.bank == 0:
            now, self.banks[0][0x2D] = self.banks[0][0x2D], 0
            return now
        return self.banks[self.bank].get(reg, 0)

    def measure(self) -> None:
        zero = self.banks[0]
        if zero.get(0x4E, 0) & 0x0F != 0x0F:
            return
        zero[0x2D] |= 0x08
        moved = zero.get(0x70, 0)
        step = 10 if self.weak else 6000
        for i, count in enumerate((*self.accel, *self.gyro)):
            actuated = moved & (0x40 if i < 3 else 0x07) and step // (2 if i < 3 else 1)
            word = (count + (actuated or 0)) & 0xFFFF
            zero[0x1F + 2 * i], zero[0x20 + 2 * i] = word >> 8, word & 0xFF

    def wait(self, _context: object, us: int) -> None:
        super().wait(_context, us)
        self.measure()


class Driven:
    """A sensor of the library on a model."""

    def __init__(self, library: c.CDLL, part: int) -> None:
        self.model: PartModel = Qmi8658() if part == QMI8658 else Icm42688()
        self.model.power_up()
        self.library = library
        self.state_bytes = c.create_string_buffer(library.sensor_bytes())
        self._calls = (Write(self.model.write), Read(self.model.read), Wait(self.model.wait))
        library.sensor_init(self.state_bytes, part, *self._calls)
        library.imusic_sensor_step.argtypes = [c.c_char_p, c.c_uint64]
        library.imusic_sensor_measure.argtypes = [c.c_char_p, c.c_uint64, c.POINTER(Reading)]

    @property
    def state(self) -> int:
        return int(self.library.sensor_state(self.state_bytes))

    @property
    def torn(self) -> int:
        return int(self.library.sensor_torn(self.state_bytes))

    def started(self) -> Driven:
        for _ in range(100):
            self.library.imusic_sensor_step(self.state_bytes, self.model.now_us)
            self.model.now_us += 10_000
            if self.state == RUNNING:
                return self
        pytest.fail("the unit was not brought up in a second")

    def measured(self, *, new: bool = True) -> Reading:
        """A sample 10 ms later."""
        self.model.now_us += 10_000
        if new:
            self.model.measure()
        reading = Reading((c.c_int16 * 3)(7, 7, 7), (c.c_int16 * 3)(7, 7, 7), 0xFF)
        self.library.imusic_sensor_measure(self.state_bytes, self.model.now_us, c.byref(reading))
        return reading

    def turned(self, axes: tuple[int, ...]) -> bool:
        self.library.imusic_sensor_set_axes.restype = c.c_bool
        return bool(self.library.imusic_sensor_set_axes(self.state_bytes, (c.c_int8 * 3)(*axes)))

    def tested(self) -> int:
        return int(self.library.imusic_sensor_self_test(self.state_bytes))


ROTATIONS = [
    axes
    for order in permutations((1, 2, 3))
    for signs in product((1, -1), repeat=3)
    for axes in [tuple(a * s for a, s in zip(order, signs, strict=True))]
    if np.linalg.det([[np.sign(a) * (abs(a) == k) for k in (1, 2, 3)] for a in axes]) > 0
]


def test_axes_are_turned_into_the_frame_of_the_unit(library: c.CDLL) -> None:
    unit = Driven(library, QMI8658).started()
    assert len(ROTATIONS) == 24
    for axes in ROTATIONS:
        assert unit.turned(axes)
        reading = unit.measured()
        assert list(reading.gyro) == [(1 if a > 0 else -1) * GYRO[abs(a) - 1] for a in axes]
        assert list(reading.accel) == [(1 if a > 0 else -1) * ACCEL[abs(a) - 1] for a in axes]
    unit.model.gyro = (-32768, 5, 32767)
    assert unit.turned((-1, -2, 3))
    reading = unit.measured()
    assert list(reading.gyro) == [32767, -5, 32767]
    assert reading.status == UnitStatus.OK | UnitStatus.GYRO_SATURATED
    for axes in product(range(-4, 5), repeat=3):
        assert unit.turned(axes) == (axes in ROTATIONS)


def test_an_offset_is_subtracted_after_turning(library: c.CDLL) -> None:
    unit = Driven(library, QMI8658).started()
    assert unit.turned((2, -1, 3))
    library.imusic_sensor_set_gyro_offset(unit.state_bytes, (c.c_int16 * 3)(10, -20, -1000))
    unit.model.gyro = (100, -200, 32000)
    assert list(unit.measured().gyro) == [-200 - 10, -100 + 20, 32767]
    unit.model.gyro = (-32768, 32767, 5)  # what was saturated stays at the end of the range
    assert list(unit.measured().gyro) == [32767, 32767, 1005]


both = pytest.mark.parametrize("part", [QMI8658, ICM42688], ids=["QMI8658", "ICM-42688-P"])


def is_zero(reading: Reading) -> bool:
    return [*reading.gyro, *reading.accel] == [0] * 6


@both
def test_values_arrive_as_measured(library: c.CDLL, part: int) -> None:
    unit = Driven(library, part).started()
    reading = unit.measured()
    assert reading.status == UnitStatus.OK
    assert (tuple(reading.gyro), tuple(reading.accel)) == (GYRO, ACCEL)


@both
def test_the_ranges_are_those_of_the_simulated_part(library: c.CDLL, part: int) -> None:
    """What the shipped model was trained with."""
    name = ("QMI8658", "ICM-42688-P")[part]
    simulated = load_part(name)
    unit = Driven(library, part).started()
    registers = unit.model.registers
    if part == QMI8658:
        assert registers[0x02] & 0x60 == 0x40  # address increment, little endian
        gyro, accel, filtered = 16 << (registers[0x04] >> 4 & 7), 2 << (registers[0x03] >> 4 & 7), 0.0539 * 896.8
        assert (registers[0x03] & 0x8F, registers[0x04] & 0x8F) == (3, 3)  # no self-test, 896.8 Hz
        assert registers[0x06] == 0b0101_0101
    else:
        unit.model.put(0x76, 0)
        gyro, accel, filtered = 2000 >> (registers[0x4F] >> 5), 16 >> (registers[0x50] >> 5), 1000 / 20
        assert (registers[0x4F] & 0x0F, registers[0x50] & 0x0F) == (6, 6)  # 1 kHz
        assert registers[0x52] == 0x66
    assert (gyro, accel) == (simulated.gyro_range_dps, simulated.accel_range_g)
    assert filtered == pytest.approx(simulated.gyro.bandwidth_hz, rel=0.01)
    library.sensor_part.restype = c.POINTER(PartHead)
    told = library.sensor_part(part).contents
    assert told.name.bytes[: told.name.length].decode() == simulated.name
    assert (told.gyro_range_dps, told.accel_range_g) == (gyro, accel)


@both
def test_nothing_is_written_before_the_part_says_its_name(library: c.CDLL, part: int) -> None:
    unit = Driven(library, part)
    unit.model.registers[(0x00, 0x75)[part]] = 0x68
    reading = unit.measured()
    assert unit.state == ABSENT
    assert reading.status == UnitStatus.FAULT  # somebody answers, but not this part
    assert is_zero(reading)
    assert unit.model.written in ([], [(0x76, 0)])


@both
@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_an_empty_spi_bus_is_a_missing_unit(library: c.CDLL, part: int, level: int) -> None:
    unit = Driven(library, part)
    unit.model.registers[(0x00, 0x75)[part]] = level
    assert unit.measured().status == UnitStatus.MISSING


@both
def test_a_unit_that_comes_later_is_brought_up(library: c.CDLL, part: int) -> None:
    unit = Driven(library, part)
    unit.model.answers = False
    for _ in range(5):
        assert unit.measured().status == UnitStatus.MISSING
    assert len(unit.model.transfers) <= 1, "a missing unit is asked once a second, not with each sample"
    unit.model.answers = True
    statuses = [unit.measured().status for _ in range(150)]
    assert statuses[-1] == UnitStatus.OK
    assert set(statuses) == {UnitStatus.MISSING, UnitStatus.FAULT, UnitStatus.OK}


@both
def test_a_unit_that_goes_is_missing_and_comes_back(library: c.CDLL, part: int) -> None:
    unit = Driven(library, part).started()
    unit.model.answers = False
    gone = [unit.measured() for _ in range(20)]
    assert {reading.status for reading in gone} == {UnitStatus.MISSING}
    assert all(map(is_zero, gone))
    unit.model.answers = True
    unit.model.power_up()
    assert [unit.measured().status for _ in range(150)][-1] == UnitStatus.OK


@both
def test_one_failed_transfer_costs_one_sample(library: c.CDLL, part: int) -> None:
    unit = Driven(library, part).started()
    unit.model.answers = False
    assert unit.measured().status == UnitStatus.MISSING
    unit.model.answers = True
    assert unit.measured().status == UnitStatus.OK


@both
def test_a_part_that_lost_its_supply_for_a_moment_is_set_up_again(library: c.CDLL, part: int) -> None:
    """It answers, with the registers of a reset: no new values, or those of another range."""
    unit = Driven(library, part).started()
    assert unit.measured().status == UnitStatus.OK
    unit.model.power_up()
    statuses = [unit.measured().status for _ in range(100)]
    assert statuses[0] == UnitStatus.FAULT
    assert statuses[-1] == UnitStatus.OK


@both
def test_old_values_are_not_given_twice(library: c.CDLL, part: int) -> None:
    unit = Driven(library, part).started()
    assert unit.measured().status == UnitStatus.OK
    stale = unit.measured(new=False)
    assert stale.status == UnitStatus.FAULT
    assert is_zero(stale)
    assert unit.measured().status == UnitStatus.OK


@both
@pytest.mark.parametrize("end", [32767, -32768])
def test_ends_of_the_range_are_saturation(library: c.CDLL, part: int, end: int) -> None:
    unit = Driven(library, part).started()
    unit.model.gyro = (0, end, 0)
    assert unit.measured().status == UnitStatus.OK | UnitStatus.GYRO_SATURATED
    unit.model.gyro, unit.model.accel = GYRO, (end, 0, 0)
    reading = unit.measured()
    assert reading.status == UnitStatus.OK | UnitStatus.ACCEL_SATURATED
    assert reading.accel[0] == end
    unit.model.accel = (end - (1 if end > 0 else -1), 0, 0)
    assert unit.measured().status == UnitStatus.OK


@both
@pytest.mark.parametrize(
    ("gyro", "accel"), [(GYRO, (0, 0, 0)), ((-1, -1, -1), (-1, -1, -1)), ((-32768,) * 3, (-32768,) * 3)]
)
def test_what_a_broken_bus_reads_is_a_fault(
    library: c.CDLL, part: int, gyro: tuple[int, int, int], accel: tuple[int, int, int]
) -> None:
    unit = Driven(library, part).started()
    unit.model.gyro, unit.model.accel = gyro, accel
    reading = unit.measured()
    assert reading.status == UnitStatus.FAULT
    assert is_zero(reading)


def test_a_burst_that_mixes_two_measurements_is_read_again(library: c.CDLL) -> None:
    unit = Driven(library, QMI8658).started()
    unit.model.tear = 1
    assert unit.measured().status == UnitStatus.OK
    assert unit.torn == 1
    unit.model.tear = 10  # never whole: not given as a measurement
    assert unit.measured().status == UnitStatus.FAULT


@both
def test_a_sample_costs_so_many_bytes(library: c.CDLL, part: int) -> None:
    """The timing budget in firmware/README.md counts on it."""
    unit = Driven(library, part).started()
    unit.model.transfers.clear()
    unit.measured()
    assert unit.model.transfers == ([19, 1] if part == QMI8658 else [15])


@both
def test_self_test(library: c.CDLL, part: int) -> None:
    unit = Driven(library, part)
    assert unit.tested() == PASSED
    assert unit.started().measured().status == UnitStatus.OK
    unit.model.weak = True
    assert unit.tested() == FAILED
    assert unit.started().measured().status == UnitStatus.FAULT
    unit.model.answers = False
    assert unit.tested() == NO_ANSWER


def test_self_test_without_codes_of_the_factory(library: c.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Icm42688, "code", 0)
    unit = Driven(library, ICM42688)
    assert unit.tested() == FAILED  # 6000 counts are 46 degrees per second, less than the 60 expected then


def test_a_self_test_that_never_ends_is_given_up(library: c.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    plain: Callable[[PartModel, int, int], None] = PartModel.put
    monkeypatch.setattr(Qmi8658, "put", plain)
    unit = Driven(library, QMI8658)
    assert unit.tested() == NO_ANSWER
    assert unit.model.now_us < 2_000_000
