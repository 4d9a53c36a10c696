from __future__ import annotations

import numpy as np
import pytest
import torch

from face_model import arkit
from face_training.training_take import ValidationTake
from face_training.validation import cut_pieces, validate


def _take(person: str, ticks: int) -> ValidationTake:
    """Each input holds the tick's number, so that pieces tell where they are from."""
    number = np.arange(ticks, dtype=np.float32)[:, None]
    return ValidationTake(person, "take", np.repeat(number, 3, axis=1), np.repeat(number, arkit.COUNT, axis=1))


def test_pieces_are_bounded_and_as_many_of_each_person():
    takes = [_take("ann", 5_000), _take("ann", 900), _take("bob", 700)]
    pieces = cut_pieces(takes, 4_000)
    assert pieces.inputs.shape == (10, 400, 3)
    np.testing.assert_array_equal(pieces.inputs[..., 0], pieces.weights[..., 0])
    np.testing.assert_array_equal(np.diff(pieces.inputs[..., 0], axis=1), 1.0)
    assert (pieces.inputs[0, 0, 0], pieces.inputs[1, 0, 0]) == (2842.0, 185.0), "of ann, then of bob"
    again = cut_pieces(takes, 4_000)
    np.testing.assert_array_equal(pieces.inputs, again.inputs)


def test_short_takes_shorten_the_pieces_and_none_give_none():
    assert cut_pieces([_take("ann", 120), _take("bob", 700)], 1_000).inputs.shape == (8, 120, 3)
    assert cut_pieces([_take("ann", 120)], 50).inputs.shape == (1, 50, 3)
    assert cut_pieces([], 1_000) is None


def test_numbers_of_a_network_that_reads_the_truth_are_perfect(small):
    pieces = cut_pieces(small.SmallDataset().validation, 600)

    class Oracle(torch.nn.Module):
        def initial_state(self, batch):
            return ()

        def forward(self, inputs, state):
            return torch.from_numpy(pieces.weights), None, ()

    found = validate(Oracle(), pieces, torch.device("cpu"))
    assert found == {"mae": 0.0, "mae_observable": 0.0, "r": pytest.approx(1.0, abs=0.01)}
