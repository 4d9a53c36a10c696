"""What is said of delay and losses: OK only while faces come whole and in time."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from face_inference.served_wearer import Since  # noqa: E402
from face_inference.wearer_diagnostics import _pace  # noqa: E402


@pytest.mark.parametrize(
    ("delay_s", "since", "told"),
    [
        (0.003, Since(0, 100, 0, 0), None),
        (0.003, Since(2, 98, 0, 0), None),
        (None, Since(0, 0, 0, 0), None),
        (1.7e9, Since(0, 100, 0, 0), None),  # another clock
        (0.2, Since(0, 100, 0, 0), "200 ms old"),
        (0.003, Since(35, 65, 30, 0), "35 % of the samples are skipped"),
        (0.003, Since(35, 65, 0, 0), "35 % of the samples are lost"),
    ],
)
def test_delay_and_losses_are_warned_of(delay_s, since, told):
    found = _pace(delay_s, since)
    assert (found is None) == (told is None)
    if told is not None:
        assert found[0] == 1
        assert told in found[1]
        assert "too slow" in " ".join(found[1].split())
