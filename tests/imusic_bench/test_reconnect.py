"""What is made of a hub's returns; the bench itself runs the whole graph."""

from __future__ import annotations

import pytest
from imusic.msg import FaceBlendshapes

from imusic_bench.reconnect import _follows, _Heard, _row

TRACKING, STALE = FaceBlendshapes.STATE_TRACKING, FaceBlendshapes.STATE_STALE


def test_a_row_counts_what_came_late() -> None:
    row = _row(("udp", "raw", "rebooted"), [(0.1, 0.2, 1.0), (0.3, 2.5, 0.8), (0.2, 0.4, 0.9)])
    assert (row.times, row.frame_s, row.frame_most_s) == (3, 0.2, 0.3)
    assert (row.weights_s, row.weights_most_s, row.late) == (0.4, 2.5, 1)
    assert row.confidence == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("face", "follows"),
    [
        ((5.0, TRACKING, 0.8), True),
        ((5.0, FaceBlendshapes.STATE_DEGRADED, 0.8), True),
        ((5.0, TRACKING, 0.2), False),
        ((5.0, STALE, 0.8), False),
        ((3.0, TRACKING, 0.8), False),
        ((5.0, FaceBlendshapes.STATE_CALIBRATING, 0.8), False),
    ],
)
def test_only_a_confident_face_after_the_return_follows_the_wearer(
    face: tuple[float, int, float], follows: bool
) -> None:
    assert _follows(_Heard(faces=[face]), since_s=4.0, least=0.4) is follows
    assert not _follows(_Heard(), since_s=4.0, least=0.4)
