"""Causal transformer over ticks with a sliding window, and the caches that let it run one tick at a time.

Position enters only as a learned bias for each head and age, so cached keys never need to be touched again.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_training.networks.config import NetworkConfig
from face_training.networks.layers import SteadyDropout
from face_training.networks.ring_rows import HIDDEN, RingShape, ages, hidden, ring_of

MLP_RATIO = 2


class Mlp(nn.Sequential):  # type: ignore[misc,unused-ignore]
    """Two linear layers, C to `MLP_RATIO` C and back."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, MLP_RATIO * width), nn.SiLU(), nn.Linear(MLP_RATIO * width, width))


def split_heads(projected: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """(B, L, 3 C) -> queries, keys and values, (B, heads, L, C / heads) each; queries come scaled."""
    length, size = (int(n) for n in projected.shape[1:])
    each = size // (3 * heads)
    query, key, value = projected.reshape(-1, length, 3, heads, each).permute(2, 0, 3, 1, 4).unbind(0)
    return query / math.sqrt(each), key, value


def merge_heads(x: Tensor) -> Tensor:
    """(B, heads, L, C / heads) -> (B, L, C)."""
    heads, length, each = (int(n) for n in x.shape[1:])
    return x.transpose(1, 2).reshape(-1, length, heads * each)


class WindowAttention(nn.Module):  # type: ignore[misc,unused-ignore]
    """Each tick attends to itself and the `window` - 1 ticks before it."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        # Heads start with different reaches, as in Press, Smith and Lewis, "Train Short, Test Long", ICLR 2022.
        slope = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        self.age_bias = nn.Parameter(-slope[:, None] * torch.arange(window))  # (heads, window)

    def within(self, x: Tensor) -> Tensor:
        """(B, L, C) with nothing before them -> (B, L, C)."""
        return self.out(merge_heads(self.attend(*split_heads(self.project(x), self.heads), None)))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, unseen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Attend, and shift the caches.

        Args:
            x: (B, L, C).
            keys: (B, heads, P, C / heads) of the P ticks before, oldest first.
            values: likewise.
            unseen: (B, 1, 1, P + L) added to the scores, `HIDDEN` where a cache slot is empty.

        Returns:
            (B, L, C) and the caches for the next call.
        """
        length = int(x.shape[1])
        query, key, value = split_heads(self.project(x), self.heads)  # (B, heads, L, C / heads) each
        keys, values = torch.cat([keys, key], dim=2), torch.cat([values, value], dim=2)  # (B, heads, P+L, C / heads)
        mixed = merge_heads(self.attend(query, keys, values, unseen))  # (B, L, C)
        return self.out(mixed), keys[:, :, length:], values[:, :, length:]

    def tick(self, x: Tensor, keys: Tensor, values: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Attend from one tick to rings of those before it.

        Args:
            x: (B, C).
            keys: (B, slots, C) ring.
            values: likewise.
            scores: (B, slots, heads) to be added: the bias of each slot's age, `HIDDEN` for what must not be seen.

        Returns:
            (B, C) and the rows that the rings get, (B, C) each.
        """
        width = int(x.shape[-1])
        query, key, value = self.project(x).split(width, dim=-1)  # (B, C) each
        # Heads apart as columns that are zero outside their own channels: rings are multiplied as they lie, which on
        # one core is faster than turning them, and the extra products by zero are few.
        apart = torch.eye(self.heads, device=x.device).repeat_interleave(width // self.heads, dim=0)  # (C, heads)
        columns = query[:, :, None] * (apart / math.sqrt(width / self.heads))  # (B, C, heads)
        own = key[:, None] @ columns + self.age_bias[:, 0]  # (B, 1, heads)
        share = torch.softmax(torch.cat([keys @ columns + scores, own], dim=1), dim=1).transpose(1, 2)
        mixed = share[:, :, :-1] @ values + share[:, :, -1:] * value[:, None]  # (B, heads, C)
        return self.out((mixed * apart.T).sum(dim=1)), key, value

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, unseen: Tensor | None) -> Tensor:
        """Queries (B, heads, L, C / heads), keys and values of P + L ticks -> (B, heads, L, C / heads)."""
        length = int(query.shape[2])
        past = int(keys.shape[2]) - length
        if length <= self.window:
            bias = self.bias(past, length)  # (heads, L, P+L)
            scores = query @ keys.transpose(-1, -2) + (bias if unseen is None else bias + unseen)  # (B, heads, L, P+L)
            return torch.softmax(scores, dim=-1) @ values
        blocks = []  # each with only the keys it sees: most of a long chunk is out of a tick's reach
        for start in range(0, length, self.window):
            end = min(start + self.window, length)
            seen = slice(max(0, past + start - self.window + 1), past + end)
            block = query[:, :, start:end]
            apart = None if unseen is None else unseen[..., seen]
            blocks.append(self.attend(block, keys[:, :, seen], values[:, :, seen], apart))
        return torch.cat(blocks, dim=2)

    def bias(self, past: int, length: int) -> Tensor:
        """(heads, L, P + L): the bias of each key's age, `HIDDEN` for the future and beyond the window."""
        device = self.age_bias.device
        now = torch.arange(length, device=device) + past  # (L,) places of the queries among the keys
        age = now[:, None] - torch.arange(past + length, device=device)  # (L, P+L)
        outside = (age < 0) | (age >= self.window)
        by_age = torch.cat([self.age_bias, self.age_bias.new_full((self.heads, 1), HIDDEN)], dim=1)  # (heads, window+1)
        return by_age[:, age.masked_fill(outside, self.window)]


class EncoderBlock(nn.Module):  # type: ignore[misc,unused-ignore]
    """Attention, then an MLP, each on normalised channels and added to what came in."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(config.width)
        self.attention = WindowAttention(config.width, config.heads, config.window)
        self.before_mlp = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width)
        self.drop = SteadyDropout(config.dropout)

    def within(self, x: Tensor) -> Tensor:
        """As `WindowAttention.within`."""
        x = x + self.drop(self.attention.within(self.before_attention(x)))  # (B, L, C)
        return x + self.drop(self.mlp(self.before_mlp(x)))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, unseen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `WindowAttention.forward`."""
        mixed, keys, values = self.attention(self.before_attention(x), keys, values, unseen)
        x = x + self.drop(mixed)  # (B, L, C)
        return x + self.drop(self.mlp(self.before_mlp(x))), keys, values

    def tick(self, x: Tensor, keys: Tensor, values: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `WindowAttention.tick`."""
        mixed, key, value = self.attention.tick(self.before_attention(x), keys, values, scores)
        x = x + mixed  # (B, C)
        return x + self.mlp(self.before_mlp(x)), key, value


class Encoder(nn.Module):  # type: ignore[misc,unused-ignore]
    """Normalised inputs (B, L, I) to what is known at each tick (B, L, C).

    The state is, for the last window - 1 ticks, oldest first: `seen`, 1 where there was a tick, and the keys and
    values of every layer. P, the number of those ticks, is window - 1 in a stream.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.inputs, config.width)
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Name and shape of every state tensor, in order."""
        config = self.config
        past = config.window - 1
        cache = (batch, config.heads, past, config.width // config.heads)
        shapes: dict[str, tuple[int, ...]] = {"seen": (batch, past)}
        for layer in range(config.layers):
            shapes |= {f"keys_{layer}": cache, f"values_{layer}": cache}
        return shapes

    def from_nothing(self, inputs: Tensor) -> Tensor:
        """(B, L, I) normalised -> (B, L, C): `forward` from a zero state, without computing what empty slots add."""
        x = functional.silu(self.embed(inputs))  # (B, L, C)
        for block in self.blocks:
            x = block.within(x)
        return self.norm(x)

    def ring_shapes(self) -> dict[str, RingShape]:
        """Keys and values of every layer."""
        ring = ring_of(self.config.window - 1, self.config.width)
        return {f"{name}_{layer}": ring for layer in range(self.config.layers) for name in ("keys", "values")}

    def tick(self, inputs: Tensor, ticks: Tensor, rings: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(B, I) normalised, (B, 1) ticks seen, rings -> (B, C), the rows that the rings get."""
        x = functional.silu(self.embed(inputs))  # (B, C)
        age = ages(ticks, int(rings[0].shape[1]))  # (B, slots)
        # The biases of all layers and heads are looked up at once, by age; ages beyond the window are hidden.
        table = torch.cat([block.attention.age_bias for block in self.blocks]).T  # (window, layers heads)
        bias = table[age.clamp(max=self.config.window - 1).to(torch.int64)]  # (B, slots, layers heads)
        scores = bias + hidden(age, ticks, self.config.window - 1)[..., None]
        rows: list[Tensor] = []
        for layer, (block, added) in enumerate(zip(self.blocks, scores.split(self.config.heads, dim=-1), strict=True)):
            x, key, value = block.tick(x, rings[2 * layer], rings[2 * layer + 1], added)
            rows += [key, value]
        return self.norm(x), tuple(rows)

    def forward(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(B, L, I) normalised, state -> (B, L, C), next state."""
        batch, length = (int(n) for n in inputs.shape[:2])
        seen = torch.cat([state[0], inputs.new_ones(batch, length)], dim=1)  # (B, P+L)
        unseen = hidden_where_unseen(seen)[:, None, None, :]  # (B, 1, 1, P+L)
        following = [seen[:, length:]]
        x = functional.silu(self.embed(inputs))  # (B, L, C)
        for layer, block in enumerate(self.blocks):
            x, keys, values = block(x, state[1 + 2 * layer], state[2 + 2 * layer], unseen)
            following += [keys, values]
        return self.norm(x), tuple(following)


def hidden_where_unseen(seen: Tensor) -> Tensor:
    """1 and 0 -> 0 and `HIDDEN`, to be added to scores."""
    return (1.0 - seen) * HIDDEN
