from __future__ import annotations

import pytest

from face_inference.errors import InferenceError
from face_training.networks.config import NetworkConfig


@pytest.mark.parametrize(
    ("sizes", "match"),
    [
        ({"architecture": "oracle"}, "expected architecture to be one of diffusion, .* found 'oracle'"),
        ({"inputs": 104}, "more than 104 inputs"),
        ({"layers": 0, "steps": 0}, "found layers 0, steps 0"),
        ({"width": 90}, "multiples of heads 4, found 90 and 96"),
        ({"horizon": 65}, "horizon 65 and window 64"),
        ({"horizon": 1}, "2 <= horizon"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_sizes_that_fit_no_network_are_refused(sizes, match):
    with pytest.raises(InferenceError, match=match):
        NetworkConfig(**{"inputs": 254, **sizes})
