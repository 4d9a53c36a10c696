"""The noise schedule and the sampler, apart from any network.

A trajectory x0 of unit variance is noised to x = signal x0 + noise e with e normal. The level t in [0, 1] says how
far: at 0 nothing is noise, at 1 everything is. Cosine schedule of Nichol and Dhariwal, "Improved Denoising Diffusion
Probabilistic Models", ICML 2021, eq. 17, in continuous time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

_OFFSET = 0.008
"""Keeps the first steps from adding too little noise (the paper's s)."""


def signal_and_noise(level: Tensor) -> tuple[Tensor, Tensor]:
    """Level t in [0, 1], any shape -> factors of signal and noise, whose squares add up to one."""
    start = math.cos(_OFFSET / (1.0 + _OFFSET) * math.pi / 2.0)
    signal = torch.cos((level + _OFFSET) / (1.0 + _OFFSET) * math.pi / 2.0) / start
    signal = signal.clamp(0.0, 1.0)
    return signal, torch.sqrt(1.0 - signal**2)


def noised(clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """x0 (..., H, W), e (..., H, W) and level (...) -> x (..., H, W)."""
    signal, strength = signal_and_noise(level[..., None, None])  # (..., 1, 1)
    return signal * clean + strength * noise


def ddim_levels(steps: int) -> tuple[float, ...]:
    """Levels at which a sampler of so many steps denoises: evenly spaced, from 1 down to 1 / steps."""
    return tuple((steps - i) / steps for i in range(steps))


def ddim(denoise: Callable[[Tensor, Tensor], Tensor], noise: Tensor, steps: int) -> Tensor:
    """Deterministic sampling: the same noise gives the same trajectory.

    Song, Meng and Ermon, "Denoising Diffusion Implicit Models", ICLR 2021, eq. 12 with sigma 0, for a network that
    predicts x0: from x at one level take the predicted x0 and the noise that it implies, and mix them as at the next.

    Args:
        denoise: (x (N, H, W), level (1,)) -> predicted x0 (N, H, W).
        noise: (N or 1, H, W) standard normal, x at level 1.
        steps: at least 1; one step is the network's prediction from noise alone.

    Returns:
        x0 (N, H, W).
    """
    x = noise
    levels = ddim_levels(steps)
    # Levels are constants of the exported graph, and so is all that the denoiser derives from them.
    constants = [torch.tensor([level], device=noise.device) for level in levels]  # (1,) each
    for level, following in pairwise(constants):
        clean = denoise(x, level)  # (N, H, W)
        signal, strength = signal_and_noise(level)  # (1,) each
        implied = (x - signal * clean) / strength  # (N, H, W)
        x = noised(clean, implied, following)
    return denoise(x, constants[-1])
