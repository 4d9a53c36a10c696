"""What a sample is, for comparing bit for bit."""

from __future__ import annotations

from face_model.imu_sample import ImuSample


def content(sample: ImuSample, stamp: int) -> tuple[object, ...]:
    """All of a sample, and the stamp that it was published with, ns."""
    return (
        sample.layout_id, sample.sequence, sample.hub_time_s, sample.host_time_s, sample.arrival_s,
        sample.status.tobytes(), sample.orientation.tobytes(), sample.angular_velocity.tobytes(),
        sample.specific_force.tobytes(), stamp,
    )  # fmt: skip
