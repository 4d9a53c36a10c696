"""The fuzzers: what must not happen ends them, and some thousand inputs through every target are taken."""

from __future__ import annotations

import mmap
import random

import pytest

from imu_driver.hubs.imusic_v1 import protocol as p
from imusic_bench import fuzz as bench
from imusic_bench.fuzz import fuzz, mutated
from imusic_bench.fuzz_targets import TARGETS, HubTarget, pieces, sealed
from imusic_cli.errors import CommandError


@pytest.mark.parametrize("name", TARGETS)
def test_some_thousand_inputs_are_taken(name: str) -> None:
    found = fuzz(name, TARGETS[name](), 3000, seed=1)
    assert (found.inputs, found.engine) == (3000, "blind")


def test_inputs_reach_what_lies_behind_the_checksum() -> None:
    target = TARGETS["session"]()
    assert isinstance(target, HubTarget)
    rng, samples = random.Random(2), 0
    for _ in range(200):
        target(mutated(rng, target.seeds))
        samples = max(samples, target._hub.figures().samples)
    figures = target._hub.figures()
    assert samples > 20, "the hub that answers brings the session to samples"
    assert sum(figures.rejected.values()) > 20
    assert len({reason for reason, count in figures.rejected.items() if count}) > 2


def test_a_sealed_input_is_an_intact_frame() -> None:
    packet = p.Pong(3, 4)
    body = bytes((p.VERSION, packet.TYPE)) + packet.to_payload()
    assert sealed(body) == p.encode(packet)
    assert pieces(b"\1" + body) == [p.encode(packet)]
    assert pieces(b"\4abcde") == [b"ab", b"cd", b"e"]
    assert pieces(b"") == []


class _Target:
    seeds = [b"abc"]  # noqa: RUF012 - a protocol's attribute

    def __call__(self, data: bytes) -> None:
        raise NotImplementedError


def test_an_exception_is_told_with_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"NotImplementedError.*input 0 of seed 7: [0-9a-f]+"):
        fuzz("bad", _Target(), 10, seed=7)


def test_a_hang_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "HANG_S", 0.05)

    class Endless(_Target):
        def __call__(self, data: bytes) -> None:
            while True:
                pass

    with pytest.raises(CommandError, match="Hung"):
        fuzz("endless", Endless(), 10)


def test_growth_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[mmap.mmap] = []

    class Keeps(_Target):
        def __call__(self, data: bytes) -> None:
            kept.append(mmap.mmap(-1, 20_000))  # not of the allocator, which may have memory left from other tests
            kept[-1].write(bytes(20_000))

    with pytest.raises(CommandError, match="expected no growth"):
        fuzz("keeps", Keeps(), 3000)
