"""Distillation: a one-step student of the diffusion network learns what its teacher does in several steps."""

from __future__ import annotations

import torch
from torch import Tensor

from face_training.networks import FaceNetwork, Prediction
from face_training.networks.diffusion_network import (
    DiffusionNetwork,
    distillation_prediction,
    one_step_student,
)


class Distillation:
    """Pairs of teacher and student; called as `FaceNetwork.training_prediction` is.

    The target is mixed of what the teacher makes of the same noise and of the truth: the teacher's result can be
    reached in one step and is smooth, the truth keeps the teacher's own errors from being learned in full.

    Attributes:
        student: to be trained.
    """

    def __init__(self, teacher: FaceNetwork, teacher_share: float) -> None:
        """`teacher` is a diffusion network; it is not changed."""
        if not isinstance(teacher, DiffusionNetwork):
            raise TypeError(f"expected a DiffusionNetwork, found {type(teacher).__name__}")
        self._teacher = teacher.eval()
        self._teacher_share = teacher_share
        self.student = one_step_student(teacher)

    def __call__(self, inputs: Tensor, truth: Tensor, generator: torch.Generator) -> Prediction:
        """(B, L, I) raw, (B, L, 52) -> trajectories (B, N, H, 52)."""
        # Half of each batch starts from the noise that every tick starts from when it runs, half from anywhere.
        noise = self.student.draw_noise(inputs, generator)  # (B, N, H, W)
        noise[::2] = self.student.noise
        found = distillation_prediction(self.student, self._teacher, inputs, noise)
        real = self.student.trajectories(truth)
        return Prediction(found.mean, found.log_variance, torch.lerp(real, found.truth, self._teacher_share))
