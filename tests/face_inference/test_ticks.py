from __future__ import annotations

import numpy as np

from face_inference.channels import Channels
from face_inference.ticks import TickResampler


def test_jitter_of_hub_time_does_not_add_or_lose_ticks_near_the_models_rate(mounts, recorded):
    ticks = TickResampler(Channels.of(mounts), 100.0, 99.0)
    rng = np.random.default_rng(0)
    features = np.zeros(72, dtype=np.float32)
    count = sum(len(list(ticks.push(i / 99.0 + rng.uniform(-0.004, 0.004), features))) for i in range(500))
    assert count == 500


def test_between_ticks_a_sensor_missing_at_one_end_is_missing(mounts):
    channels = Channels.of(mounts)
    ticks = TickResampler(channels, 100.0, 60.0)
    a, b = np.ones(channels.size, dtype=np.float32), np.ones(channels.size, dtype=np.float32)
    b[channels.sensor_of == 2] = 0.0
    list(ticks.push(0.0, a))
    (tick,) = ticks.push(1 / 60, b)
    assert not tick[channels.sensor_of == 2].any()
    assert tick[channels.sensor_of != 2].all()
