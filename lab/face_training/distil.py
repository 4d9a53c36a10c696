"""Distillation: a one-step student of the diffusion network learns what its teacher does in several steps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from face_training.networks import FaceNetwork, Prediction
from face_training.networks.diffusion_network import (
    DiffusionNetwork,
    distillation_prediction,
    one_step_student,
)

_SMOOTH_TICKS = 5
"""Standard deviation of what smooths a linear estimate, which trembles more than a face."""


class Distillation:
    """Pairs of teacher and student; called as `FaceNetwork.training_prediction` is.

    The target is mixed of what the teacher makes of the same noise and of the truth: the teacher's result can be
    reached in one step and is smooth, the truth keeps the teacher's own errors from being learned in full. A share of
    the linear estimate, smoothed, makes the student correct it less: by as much as helps with people nobody saw.

    Attributes:
        student: to be trained.
    """

    def __init__(self, teacher: FaceNetwork, teacher_share: float, estimate_share: float = 0.0) -> None:
        """`teacher` is a diffusion network; it is not changed."""
        if not isinstance(teacher, DiffusionNetwork):
            raise TypeError(f"expected a DiffusionNetwork, found {type(teacher).__name__}")
        self._teacher = teacher.eval()
        self._teacher_share = teacher_share
        self._estimate_share = estimate_share
        self.student = one_step_student(teacher)

    def __call__(self, inputs: Tensor, truth: Tensor, generator: torch.Generator) -> Prediction:
        """(B, L, I) raw, (B, L, 52) -> trajectories (B, N, H, 52)."""
        # Half of each batch starts from the noise that every tick starts from when it runs, half from anywhere.
        noise = self.student.draw_noise(inputs, generator)  # (B, N, H, W)
        noise[::2] = self.student.noise
        found = distillation_prediction(self.student, self._teacher, inputs, noise)
        real = self.student.trajectories(truth)
        target = torch.lerp(real, found.truth, self._teacher_share)
        if self._estimate_share:
            estimate = self.student.trajectories(smoothed(self.student.linear_estimate(inputs)))
            target = torch.lerp(target, estimate, self._estimate_share)
        return Prediction(found.mean, found.log_variance, target)


def smoothed(x: Tensor) -> Tensor:
    """(B, L, W) -> the same under a Gaussian of `_SMOOTH_TICKS`, forwards and backwards in time, ends held."""
    reach = 3 * _SMOOTH_TICKS
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device) / _SMOOTH_TICKS) ** 2)
    lines = functional.pad(x.transpose(1, 2), (reach, reach), mode="replicate")  # (B, W, L + 2 reach)
    found = functional.conv1d(lines.flatten(0, 1)[:, None], (kernel / kernel.sum())[None, None])
    return found.reshape(x.shape[0], x.shape[2], x.shape[1]).transpose(1, 2)
