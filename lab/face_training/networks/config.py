"""Sizes of a network."""

from __future__ import annotations

from dataclasses import dataclass

from face_inference.errors import InferenceError
from face_model import arkit

ARCHITECTURES = ("diffusion", "transformer", "gru", "tcn", "ridge")

ESTIMATE_CHANNELS = 2 * arkit.COUNT
"""The last channels of the inputs: the linear estimate of the weights, then its standard deviation."""


@dataclass(frozen=True)
class NetworkConfig:
    """What to build. Each architecture takes from it what it has.

    Attributes:
        inputs: I, numbers that go in at each tick, the linear estimate and its standard deviation last.
        architecture: one of `ARCHITECTURES`.
        width: C, channels between layers.
        layers: transformer blocks of the encoder.
        heads: attention heads, of the encoder and of the denoiser.
        window: ticks that one layer of the encoder sees, the present one included; the receptive field of "tcn".
        horizon: H, ticks of a denoised trajectory, the present one last.
        denoiser_layers: transformer blocks of the denoiser.
        denoiser_width: channels between them.
        steps: denoising steps for each tick.
        dropout: share of activations dropped in training.

    Raises:
        InferenceError: sizes that fit no network.
    """

    inputs: int
    architecture: str = "diffusion"
    width: int = 128
    layers: int = 3
    heads: int = 4
    window: int = 64
    horizon: int = 8
    denoiser_layers: int = 2
    denoiser_width: int = 96
    steps: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise InferenceError(
                f"expected architecture to be one of {', '.join(ARCHITECTURES)}, found {self.architecture!r}"
            )
        if self.inputs <= ESTIMATE_CHANNELS:
            raise InferenceError(
                f"expected more than {ESTIMATE_CHANNELS} inputs, the linear estimate last, found {self.inputs}"
            )
        small = ("width", "layers", "heads", "denoiser_layers", "denoiser_width", "steps")
        wrong = [f"{name} {getattr(self, name)}" for name in small if getattr(self, name) < 1]
        if wrong:
            raise InferenceError(f"expected sizes of at least 1, found {', '.join(wrong)}")
        if self.width % self.heads or self.denoiser_width % self.heads:
            raise InferenceError(
                f"expected width and denoiser_width to be multiples of heads {self.heads}, "
                f"found {self.width} and {self.denoiser_width}"
            )
        if not 2 <= self.horizon <= self.window:
            raise InferenceError(
                f"expected 2 <= horizon <= window, found horizon {self.horizon} and window {self.window}"
            )
        if not 0.0 <= self.dropout < 1.0:
            raise InferenceError(f"expected dropout in [0, 1), found {self.dropout}")
