"""Several processes that train one network: `torchrun` starts them, the gradients' mean keeps them equal.

All processes must see the same run folder; only the first writes to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from face_inference.errors import InferenceError

Result = TypeVar("Result")

_PATIENCE = timedelta(hours=24)
"""How long processes wait for the first to build a data set; if that fails, torchrun ends them."""


@dataclass(frozen=True)
class Processes:
    """This process among those of a training.

    Attributes:
        rank: number of this one, from 0.
        count: of all.
        device: on which this one computes.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this one writes files and speaks."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """Chunks of a step that fall to each process.

        Raises:
            InferenceError: they cannot be shared equally.
        """
        if batch % self.count:
            raise InferenceError(
                f"expected batch to be a multiple of the {self.count} processes, found {batch}; change either"
            )
        return batch // self.count

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def mean(self, values: Tensor) -> Tensor:
        """Mean of `values` over the processes."""
        if self.count > 1:
            distributed.all_reduce(values)
            values = values / self.count
        return values

    def first_then_all(self, work: Callable[[], Result]) -> Result:
        """Work that leaves files behind: done by the first process, then by the others, which find them."""
        if self.first:
            result = work()
            self.wait()
            return result
        self.wait()
        return work()

    def wrapped(self, module: nn.Module, some_unused: bool) -> nn.Module:
        """`module` with its gradients averaged over the processes; itself where there is one process.

        Args:
            module: what makes the loss.
            some_unused: whether parameters may get no gradient.
        """
        if self.count == 1:
            return module
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=some_unused)


ALONE = Processes(0, 1, torch.device("cpu"))
"""One process on the CPU."""


@contextmanager
def joined_processes(device: str) -> Iterator[Processes]:
    """The processes that `torchrun` started, or this one alone.

    Args:
        device: auto, cpu or cuda.

    Raises:
        InferenceError: cuda is asked for and there is none.
    """
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    chosen = _device(device)
    if count == 1:
        yield Processes(0, 1, chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Processes(rank, count, chosen)
        # None may leave while another still talks to it: the library ends a process whose peer is gone.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise InferenceError("expected a CUDA device, found none; set device to auto or cpu")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
