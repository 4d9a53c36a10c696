"""The stream parser in garbage: every valid frame is found, and noise costs little."""

from __future__ import annotations

import pytest

from imu_driver.hubs.imusic_v1 import protocol as p
from imusic_bench.decoder import KINDS, WANTED_MB_S, measure_decoder, measure_garbage
from imusic_cli.errors import CommandError


def test_every_valid_frame_in_garbage_is_found() -> None:
    found = measure_garbage(10.0, seed=3)
    assert found.recovered == found.frames > 500
    assert found.rejected > 1000
    assert found.most_pending <= p.MAX_FRAME


def test_a_parser_that_loses_frames_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one would that goes out of step where a read ends within a frame."""
    feed = p.StreamParser.feed

    def careless(self: p.StreamParser, data: bytes) -> list[p.Packet]:
        found = feed(self, data)
        self.reset()
        return found

    monkeypatch.setattr(p.StreamParser, "feed", careless)
    with pytest.raises(CommandError, match="in the garbage"):
        measure_garbage(10.0, seed=3)


def test_no_noise_is_slow() -> None:
    """Processor time, best of three: a machine that is shared disturbs that, too, but never makes it less."""
    rows = [measure_decoder(0.5) for _ in range(3)]
    for kinds in zip(*rows, strict=True):
        if kinds[0].noise:
            assert max(row.mb_s for row in kinds) > WANTED_MB_S, kinds[0].bytes_are
    assert len(rows[0]) == len(KINDS)
