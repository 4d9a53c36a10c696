"""What goes wrong on the line and with the clock, by switch and at run time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imu_driver.hubs.imusic_v1.protocol import Hello, Ping, Pong, Sample, Start, StreamParser, encode
from imu_sim.errors import SimulatorConfigError
from imu_sim.hub.faults import FaultInjector, Faults
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.process import _FAULT_FLAGS
from imu_sim.hub.simulated_hub import SimulatedHub

MakeHub = Callable[..., SimulatedHub]
PROMPT = HubSettings(jitter_s=0.0)
FRAMES = [i.to_bytes(4, "little") + b"\0" for i in range(20_000)]


def arriving(faults: Faults, seed: int = 0) -> list[int]:
    injector = FaultInjector(faults, ("a", "b"), (1.0, 1.0), np.random.default_rng(seed))
    return [int.from_bytes(piece[:4], "little") for frame in FRAMES for piece in injector.line(frame)]


def lost_runs(numbers: list[int]) -> np.ndarray:
    gaps = np.diff(numbers) - 1
    return gaps[gaps > 0]


@pytest.mark.parametrize("burst", [1.0, 4.0, 20.0])
@pytest.mark.parametrize("drop", [0.02, 0.3])
def test_losses_have_the_share_and_the_length_that_were_asked_for(drop: float, burst: float) -> None:
    numbers = arriving(Faults(drop=drop, burst=burst))
    assert 1.0 - len(numbers) / len(FRAMES) == pytest.approx(drop, rel=0.3)
    independent = 1.0 / (1.0 - drop)
    assert lost_runs(numbers).mean() == pytest.approx(max(burst, independent), rel=0.3)


def test_all_may_be_lost() -> None:
    assert arriving(Faults(drop=1.0, burst=3.0)) == []


@given(st.floats(0.0, 0.9), st.floats(1.0, 30.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_whatever_the_line_does_nothing_is_made_up(
    drop: float, burst: float, duplicate: float, reorder: float, seed: int
) -> None:
    faults = Faults(drop=drop, burst=burst, duplicate=duplicate, reorder=reorder)
    injector = FaultInjector(faults, ("a",), (1.0, 1.0), np.random.default_rng(seed))
    sent = FRAMES[:300]
    came = [piece for frame in sent for piece in injector.line(frame)]
    assert set(came) <= set(sent)
    place = {frame: i for i, frame in enumerate(sent)}
    order = [place[piece] for piece in came]
    assert all(after >= before - 1 for before, after in pairwise(order)), "one late by one at most"
    assert all(came.count(piece) <= 2 for piece in set(came[:50]))


def test_duplicates_and_overtaking() -> None:
    twice = arriving(Faults(duplicate=0.25))
    assert len(twice) == pytest.approx(1.25 * len(FRAMES), rel=0.03)
    assert twice == sorted(twice)
    mixed = arriving(Faults(reorder=0.2))
    assert sum(b < a for a, b in pairwise(mixed)) > 2000
    assert sorted(mixed) in (list(range(len(FRAMES))), list(range(len(FRAMES) - 1)))


class Host:
    def __init__(self, hub: SimulatedHub, clock: object) -> None:
        self.hub, self.clock, self.parser = hub, clock, StreamParser()
        self.hub.receive(encode(Start(1)))

    def wait(self, seconds: float) -> list[object]:
        got: list[object] = []
        for _ in range(round(seconds / 0.005)):
            self.clock.now_s += 0.005  # type: ignore[attr-defined]
            got += self.parser.feed(b"".join(self.hub.due()))
        return got

    def hub_us(self) -> int:
        (pong,) = self.parser.feed(b"".join(self.hub.receive(encode(Ping(1)))))
        assert isinstance(pong, Pong)
        return pong.hub_time_us


def test_the_clock_may_be_set_and_run_fast(make_hub: MakeHub, clock: object) -> None:
    host = Host(make_hub(Faults(clock_step_at_s=1.0, clock_step_s=-0.5), settings=PROMPT), clock)
    samples = [p for p in host.wait(2.0) if isinstance(p, Sample)]
    steps = np.diff([s.hub_time_us for s in samples])
    assert steps.min() == pytest.approx(-490_000, abs=1000)
    assert np.count_nonzero(steps < 0) == 1
    began_us, began_s = host.hub_us(), clock.now_s  # type: ignore[attr-defined]
    host.hub.set_faults(Faults(skew_ppm=10_000.0))
    host.wait(1.0)
    took_s = clock.now_s - began_s  # type: ignore[attr-defined]
    assert host.hub_us() - began_us == pytest.approx(1.01e6 * took_s, rel=1e-4)
    host.hub.set_faults(Faults())
    again_us = host.hub_us()
    host.wait(1.0)
    assert host.hub_us() - again_us < 1.001e6, "as the settings say"


def test_a_slow_start_is_silent_after_each_boot(make_hub: MakeHub, clock: object) -> None:
    hub = make_hub(Faults(slow_start_s=1.5), settings=PROMPT)
    host = Host(hub, clock)
    assert host.wait(1.4) == []
    assert any(isinstance(p, Hello) for p in host.wait(0.3))
    hub.reboot()
    assert host.wait(1.4) == []
    assert any(isinstance(p, Hello) for p in host.wait(0.3))


def test_the_face_lives_on_while_the_hub_reboots(make_hub: MakeHub, clock: object) -> None:
    host = Host(make_hub(settings=PROMPT), clock)
    host.wait(5.0)
    host.hub.reboot()
    host.wait(2.0)
    host.hub.receive(encode(Start(2)))
    assert host.hub.motion_time_s(0) == pytest.approx(7.0, abs=0.02)


def test_a_hub_that_finds_a_unit_says_so_at_once(make_hub: MakeHub, clock: object) -> None:
    host = Host(make_hub(Faults(missing=("mentalis",)), settings=PROMPT), clock)
    host.wait(1.0)
    host.hub.set_faults(Faults())
    hellos = [p for p in host.wait(0.1) if isinstance(p, Hello)]
    assert [all(s.present for s in hello.sensors) for hello in hellos] == [True]


@pytest.mark.parametrize(
    "faults",
    [
        Faults(drop=1.5), Faults(burst=0.5), Faults(duplicate=-0.1), Faults(reorder=2.0), Faults(slow_start_s=-1.0),
        Faults(skew_ppm=1e6), Faults(jitter_s=5.0), Faults(clock_step_s=float("nan")), Faults(dead=("nose",)),
    ],
)  # fmt: skip
def test_impossible_faults_are_refused(faults: Faults) -> None:
    with pytest.raises(SimulatorConfigError, match="expected"):
        faults.check(("a", "b"))


def test_every_fault_is_a_switch_of_the_command_line() -> None:
    assert set(_FAULT_FLAGS) == {field.name for field in fields(Faults)}


@given(
    st.lists(st.sampled_from(["drop 0.5", "burst 9", "reboot", "stall 0.2", "step -3", "step 5", "clear"]), max_size=9)
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_hub_survives_any_order_of_what_happens(make_hub: MakeHub, clock: object, lines: list[str]) -> None:
    from imu_sim.hub.commands import Commands

    class NoLine:
        plugged = True

        def plug(self) -> None: ...

        def unplug(self) -> None: ...

    hub = make_hub(settings=PROMPT)
    host = Host(hub, clock)
    commands = Commands(hub, NoLine())
    for line in lines:
        assert commands.obey(line) == "ok"
        host.wait(0.1)
    assert commands.obey("clear") == "ok"
    host.wait(1.0)
    hub.receive(encode(Start(3)))
    assert any(isinstance(p, Sample) for p in host.wait(0.5))
