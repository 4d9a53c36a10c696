"""The streaming diffusion transformer: an encoder of what the sensors said, a denoiser of what the face did.

At each tick the denoiser draws the trajectory of the last H ticks, the present one last, as the residual of the
weights from their linear estimate. Published is its present tick, led by the trajectory's own velocity: a trajectory is
smooth in itself, but the next tick's is another one, and their ends would tremble. The noise is drawn once, with the
weights: each tick starts from the same, so equal inputs give equal outputs and neighbouring ticks stay close.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from face_inference.errors import InferenceError
from face_model import arkit
from face_training.networks.base import FaceNetwork, Prediction
from face_training.networks.config import NetworkConfig
from face_training.networks.denoiser import Denoiser
from face_training.networks.diffusion import ddim, noised
from face_training.networks.encoder import Encoder, hidden_where_unseen
from face_training.networks.layers import quiet_linear
from face_training.networks.ring_rows import RingShape, ages, hidden, ring_of, row_back

STRIDE = 8
"""Ticks between the trajectories of a chunk in training; with the default horizon each tick is in one of them."""

PURE_NOISE_SHARE = 0.5
"""Share of the trajectories trained from pure noise, where sampling begins; the others have a level of (0, 1)."""

CARRIED = 0.85
"""Share of the published residual that goes on from the last tick, moved by the trajectory's velocity; the rest is the
trajectory's present tick: a complementary filter of 6 ticks, without lag while the velocity is right."""

_NOISE_SEED = 52


class DiffusionNetwork(FaceNetwork):
    """Inputs -> normalise -> causal transformer -> denoiser -> residual of the linear estimate.

    Log-variance comes from the encoder.

    Attributes:
        noise: (H, W) where sampling starts at every tick.
    """

    noise: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.denoiser = Denoiser(config)
        self.log_variance = quiet_linear(config.width, arkit.COUNT)
        fixed = torch.Generator().manual_seed(_NOISE_SEED)
        self.register_buffer("noise", torch.randn(config.horizon, arkit.COUNT, generator=fixed))

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Those of the encoder, its outputs at the last H - 1 ticks, oldest first, and the residual published last."""
        config = self.config
        return self.encoder.state_shapes(batch) | {
            "encoded": (batch, config.horizon - 1, config.width),
            "published": (batch, 1, arkit.COUNT),
        }

    def advance(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.forward`."""
        horizon = self.config.horizon
        batch, length = (int(n) for n in inputs.shape[:2])
        encoded, following = self.encoder(self.normalised(inputs), state[:-2])  # (B, L, C)
        known = torch.cat([state[-2], encoded], dim=1)  # (B, H-1+L, C)
        seen = torch.cat([state[0][:, 1 - horizon :], inputs.new_ones(batch, length)], dim=1)  # (B, H-1+L)
        # Trajectories of all ticks of all takes stand in one row, N = B L.
        context = windows(known, horizon, 1).reshape(batch * length, horizon, -1)  # (N, H, C)
        hidden = hidden_where_unseen(windows(seen[..., None], horizon, 1)).reshape(-1, horizon, 1)  # (N, H, 1)
        clean = self._sample(context, hidden, self.noise[None], self.config.steps)
        ends = clean[:, -2:].reshape(batch, length, 2, arkit.COUNT)  # (B, L, 2, W)
        residual = carried(ends, state[-1], state[0][:, -1:, None])  # (B, L, W)
        mean = self.linear_estimate(inputs) + self.residual_scale * residual
        log_variance = self.log_variance_from(self.log_variance(encoded))  # (B, L, W)
        return mean, log_variance, (*following, known[:, length:], residual[:, -1:])

    def ring_shapes(self) -> dict[str, RingShape]:
        """Those of the encoder, its outputs as the denoiser takes them, and the residuals published."""
        return self.encoder.ring_shapes() | {
            "context": ring_of(self.config.horizon - 1, self.config.denoiser_width),
            "published": ring_of(1, arkit.COUNT),
        }

    def tick(
        self, inputs: Tensor, ticks: Tensor, rings: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.tick`. Trajectories stand in the order of their ring: the denoiser knows places by age."""
        denoiser, steps, reach = self.denoiser, self.config.steps, self.config.horizon - 1
        encoded, rows = self.encoder.tick(self.normalised(inputs), ticks, rings[:-2])  # (B, C)
        row = denoiser.from_encoder(encoded)  # (B, denoiser's C)
        age = ages(ticks, int(rings[-2].shape[1]))  # (B, slots)
        now = (age < 1.0).to(inputs.dtype)  # (B, slots) one at the present tick
        place = (reach - age.clamp(max=reach)).to(torch.int64)  # (B, slots) along the trajectory
        context = torch.where(now[..., None] > 0.5, row[:, None], rings[-2]) + denoiser.place[place]
        unseen = (hidden(age, ticks, reach) * (1.0 - now))[:, None, None]  # (B, 1, 1, slots)
        ends = torch.stack([(age == 1.0).to(inputs.dtype), now], dim=1)  # (B, 2, slots)
        noise = self.noise[place]  # (B, slots, W)
        clean = ddim(lambda x, level: denoiser(x, level, context, unseen, ends if steps == 1 else None), noise, steps)
        clean = clean if steps == 1 else ends @ clean  # (B, 2, W)
        before = row_back(rings[-1], ticks, 1)[:, None]  # (B, 1, W)
        residual = carried(clean[:, None], before, (ticks > 0.0).to(inputs.dtype)[:, None])[:, 0]  # (B, W)
        mean = self.linear_estimate(inputs) + self.residual_scale * residual
        return mean, self.log_variance_from(self.log_variance(encoded)), (*rows, row, residual)

    @property
    def window_ticks(self) -> int:
        """Each layer reaches a window further back, and a trajectory needs the encoder at all its ticks."""
        config = self.config
        return 1 + config.layers * (config.window - 1) + config.horizon - 1

    def last_of_window(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """See `FaceNetwork.last_of_window`: the last tick's trajectory, not led by what was published before."""
        encoded = self.encoder.from_nothing(self.normalised(inputs))[:, -self.config.horizon :]  # (B, H, C)
        clean = self._sample(encoded, torch.zeros_like(encoded[..., :1]), self.noise[None], self.config.steps)
        mean = self.linear_estimate(inputs[:, -1]) + self.residual_scale * clean[:, -1]  # (B, W)
        return mean, self.log_variance_from(self.log_variance(encoded[:, -1]))

    def training_prediction(self, inputs: Tensor, truth: Tensor, generator: torch.Generator) -> Prediction:
        """Denoise trajectories of the truth, noised to random levels: (B, N, H, W) for N trajectories of a chunk.

        The variance learns from trajectories of pure noise only: from less noise the truth shines through, and the
        error says nothing about what will be published.
        """
        encoded = self.encode_chunk(inputs)  # (B, N, H, C)
        estimate, target = (
            self.trajectories(self.linear_estimate(inputs)),
            self.trajectories(truth),
        )  # (B, N, H, W) each
        level = self._levels(encoded.shape[:2], generator).to(inputs.device)  # (B, N)
        noise = self.draw_noise(inputs, generator)  # (B, N, H, W)
        x = noised((target - estimate) / self.residual_scale, noise, level)
        clean = self.denoiser(
            x.flatten(0, 1), level.flatten(), self.denoiser.context(encoded.flatten(0, 1)), _nothing_hidden(encoded)
        ).reshape(x.shape)
        log_variance = self.log_variance_from(self.log_variance(encoded))  # (B, N, H, W)
        learns = (level == 1.0)[..., None, None]
        return Prediction(
            estimate + self.residual_scale * clean,
            torch.where(learns, log_variance, log_variance.detach()),
            target,
        )

    def draw_noise(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Standard normal (B, N, H, W) for the trajectories of a chunk of inputs (B, L, I)."""
        count = len(range(0, inputs.shape[1] - 2 * self.config.horizon + 2, STRIDE))
        shape = (len(inputs), count, self.config.horizon, arkit.COUNT)
        return torch.randn(shape, generator=generator, device=generator.device).to(inputs.device)

    def encode_chunk(self, inputs: Tensor) -> Tensor:
        """(B, L, I) raw, from a zero state -> the encoder's outputs along each trajectory, (B, N, H, C)."""
        return self.trajectories(self.encoder.from_nothing(self.normalised(inputs)))

    def sampled_prediction(self, inputs: Tensor, noise: Tensor, steps: int | None = None) -> Prediction:
        """What sampling gives for the trajectories of a chunk, from a zero state.

        Args:
            inputs: (B, L, I) raw.
            noise: (B, N, H, W) from `draw_noise`, or `network.noise` (H, W), which is what `forward` starts from.
            steps: denoising steps; those of the configuration when None.

        Returns:
            Mean and log-variance (B, N, H, W); `truth` is the mean itself, as a target for another network.
        """
        encoded = self.encode_chunk(inputs)  # (B, N, H, C)
        batch, count, horizon, _ = encoded.shape
        start = noise.expand(batch, count, horizon, arkit.COUNT).flatten(0, 1)  # (B N, H, W)
        context = encoded.flatten(0, 1)
        hidden = torch.zeros_like(context[..., :1])
        clean = self._sample(context, hidden, start, steps or self.config.steps).reshape(batch, count, horizon, -1)
        mean = self.trajectories(self.linear_estimate(inputs)) + self.residual_scale * clean
        return Prediction(mean, self.log_variance_from(self.log_variance(encoded)), mean)

    def _sample(self, encoded: Tensor, hidden: Tensor, noise: Tensor, steps: int) -> Tensor:
        """(N, H, C), (N, H, 1) added to scores, (N or 1, H, W) -> x0 (N, H, W)."""
        context = self.denoiser.context(encoded)  # (N, H, denoiser's C)
        unseen = hidden.transpose(1, 2)[:, None]  # (N, 1, 1, H)
        return ddim(lambda x, level: self.denoiser(x, level, context, unseen), noise, steps)

    def trajectories(self, x: Tensor) -> Tensor:
        """(B, L, ...) -> (B, N, H, ...): every `STRIDE` ticks after a warm-up of H - 1 ticks.

        Raises:
            InferenceError: the chunk is too short for one.
        """
        if x.shape[1] < 2 * self.config.horizon - 1:
            raise InferenceError(
                f"expected chunks of at least {2 * self.config.horizon - 1} ticks, found {x.shape[1]}; "
                "train on longer chunks or shorten the horizon"
            )
        return windows(x[:, self.config.horizon - 1 :], self.config.horizon, STRIDE)

    @staticmethod
    def _levels(shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Random levels in (0, 1], `PURE_NOISE_SHARE` of them 1."""
        uniform = torch.rand(shape, generator=generator, device=generator.device)
        return (1.0 - uniform).div(1.0 - PURE_NOISE_SHARE).clamp(max=1.0)


def carried(ends: Tensor, before: Tensor, seen: Tensor) -> Tensor:
    """What is published of trajectories.

    Args:
        ends: (B, L, 2, W) the last two ticks of each tick's trajectory.
        before: (B, 1, W) what was published before them.
        seen: (B, 1, 1) whether there was a tick before them, 1 or 0.

    Returns:
        (B, L, W).
    """
    share, out = CARRIED * seen, []
    for tick in range(int(ends.shape[1])):
        now = ends[:, tick, 1:]  # (B, 1, W)
        before = share * (before + now - ends[:, tick, :1]) + (1.0 - share) * now
        share = torch.full_like(seen, CARRIED)
        out.append(before)
    return torch.cat(out, dim=1)


def windows(x: Tensor, size: int, stride: int) -> Tensor:
    """(B, T, C) -> (B, N, size, C), a window every `stride` ticks."""
    if int(x.shape[1]) == size:  # the step form: nothing to cut, and nothing to be seen of it in the exported graph
        return x[:, None]
    return x.unfold(1, size, stride).transpose(2, 3)


def one_step_student(teacher: DiffusionNetwork) -> DiffusionNetwork:
    """The teacher, weights and buffers copied, taking one step: where distillation starts."""
    student = DiffusionNetwork(replace(teacher.config, steps=1))
    student.load_state_dict(teacher.state_dict())
    student.to(teacher.noise.device)
    return student


def distillation_prediction(
    student: DiffusionNetwork, teacher: DiffusionNetwork, inputs: Tensor, noise: Tensor
) -> Prediction:
    """The student's one step against the teacher's many from the same noise, (B, N, H, W).

    Luhman and Luhman, "Knowledge Distillation in Iterative Generative Models for Improved Sampling Speed", arXiv
    2101.02388. The loss on this is an ordinary one; the variance, which says how far from the truth the published
    weights are, not how far from the teacher, gets no gradient.

    Args:
        student: from `one_step_student`, in training mode.
        teacher: in evaluation mode.
        inputs: (B, L, I) raw.
        noise: (B, N, H, W) from `draw_noise`, or `student.noise` (H, W) to learn only what `forward` will use.
    """
    with torch.no_grad():
        target = teacher.sampled_prediction(inputs, noise).mean
    found = student.sampled_prediction(inputs, noise, steps=1)
    return Prediction(found.mean, found.log_variance.detach(), target)


def _nothing_hidden(encoded: Tensor) -> Tensor:
    """(B, N, H, C) -> zeros (B N, 1, 1, H)."""
    return torch.zeros_like(encoded[..., 0]).flatten(0, 1)[:, None, None]
