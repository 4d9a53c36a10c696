from __future__ import annotations

import numpy as np
import pytest
import torch

from face_training.distil import Distillation, smoothed
from face_training.networks import build_network
from face_training.networks.config import ESTIMATE_CHANNELS, NetworkConfig


def test_smoothing_keeps_what_is_slow_and_takes_what_trembles():
    time = torch.arange(200.0)
    slow, fast = torch.sin(time / 40.0), torch.sin(time * 2.0)
    found = smoothed((slow + fast)[None, :, None].expand(2, 200, 3))
    assert found.shape == (2, 200, 3)
    assert (found[0, 20:-20, 0] - slow[20:-20]).abs().max() < 0.05
    np.testing.assert_allclose(smoothed(torch.full((1, 30, 52), 0.4)), 0.4, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_the_target_gives_way_to_the_linear_estimate(share):
    torch.manual_seed(1)
    config = NetworkConfig(
        inputs=ESTIMATE_CHANNELS + 6, width=16, layers=1, heads=2, window=8, horizon=4, denoiser_layers=1,
        denoiser_width=16, steps=2, dropout=0.0,
    )  # fmt: skip
    inputs, truth = torch.rand(2, 40, config.inputs), torch.rand(2, 40, 52)
    targets = [
        Distillation(build_network(config), 0.0, s)(inputs, truth, torch.Generator().manual_seed(3)).truth
        for s in (0.0, share)
    ]
    student = Distillation(build_network(config), 0.0).student
    estimate = student.trajectories(smoothed(student.linear_estimate(inputs)))
    torch.testing.assert_close(targets[1], (1.0 - share) * targets[0] + share * estimate)
