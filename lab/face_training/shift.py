"""Another wearer in the place of the one who was recorded: the same performance under another Jacobian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels

Float32Array = NDArray[np.float32]


def shift_response(
    channels: Channels, features: Float32Array, weights: Float32Array, shift: Float32Array, rate_hz: float
) -> None:
    """Add to each sensor the turn that `shift` (D, 52) rad gives the true weights (L, 52), in place.

    Rotation, its horizontal part (tilt) and its rate of change follow; forces, which hardly tell turns from head
    motion here, stay. To first order in the angles, which are small: a few degrees, seldom twenty.
    """
    lead = (len(features), channels.skin_count, 3)
    turn = (weights @ shift.T).reshape(lead)
    turn *= channels.observed(features).reshape(lead)
    up = features[:, None, channels.gravity]
    features[:, channels.skin_block("rotation")] += turn.reshape(len(features), -1)
    level = turn - np.sum(turn * up, axis=-1, keepdims=True) * up
    features[:, channels.skin_block("tilt")] += level.reshape(len(features), -1)
    features[:, channels.skin_block("rate")] += (np.gradient(turn, axis=0) * rate_hz).reshape(len(features), -1)
