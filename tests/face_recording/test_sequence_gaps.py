from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_recording.sequence_gaps import SequenceGaps
from small_bags import frame

FRAME = "imusic/msg/ImuFrame"


def missing(numbers: list[int]) -> int:
    gaps = SequenceGaps(FRAME)
    for number in numbers:
        gaps.see(frame(number))
    return gaps.missing


@pytest.mark.parametrize(
    ("numbers", "count"),
    [
        ([5, 6, 7], 0),
        ([5, 8, 9], 2),
        ([5, 5, 6], 0),
        ([900, 0, 1], 0),  # the hub began anew
        ([2**32 - 1, 0, 2], 1),
        ([3, 2**31], 0),
    ],
)
def test_numbers_that_are_left_out_are_counted(numbers: list[int], count: int) -> None:
    assert missing(numbers) == count


@given(data=st.binary(max_size=60), type_name=st.sampled_from([FRAME, "imusic/msg/HubBytes", "std_msgs/msg/Empty"]))
def test_any_bytes_are_taken(data: bytes, type_name: str) -> None:
    gaps = SequenceGaps(type_name)
    gaps.see(data)
    gaps.see(b"\0\1\0\0" + data)
    assert gaps.missing == 0 or gaps.missing > 0


@pytest.mark.ros
@pytest.mark.parametrize("frame_id", ["", "face_head", "alice/face_head", "x" * 61])
def test_numbers_are_found_in_messages_as_ros_serializes_them(frame_id: str) -> None:
    pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
    from imusic.msg import FaceBlendshapes, HubBytes, ImuFrame
    from rclpy.serialization import serialize_message

    for kind, field in ((ImuFrame, "sequence"), (FaceBlendshapes, "sequence"), (HubBytes, "number")):
        gaps = SequenceGaps(f"imusic/msg/{kind.__name__}")
        for number in (10, 11, 15):
            message = kind(**{field: number})
            message.header.frame_id = frame_id
            gaps.see(serialize_message(message))
        assert gaps.missing == 3, kind
