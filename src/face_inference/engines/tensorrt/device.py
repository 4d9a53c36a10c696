"""What the engine needs of a GPU: few functions, so that a test runs the same engine without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Shape = tuple[int, ...]
Work = Callable[[], None]
"""Queues something on the device's stream."""

ALIGNMENT_BYTES = 256
"""Of the addresses that TensorRT is given."""


class Device(Protocol):
    """One GPU with one stream. All but its properties, `active` and `close` is called within `active`."""

    @property
    def name(self) -> str:
        """As its maker calls it."""
        ...

    @property
    def stream(self) -> int:
        """Handle of the stream that everything is queued on."""
        ...

    def active(self) -> AbstractContextManager[None]:
        """Make it this thread's GPU; a failure within becomes an EngineError."""
        ...

    def host(self, count: int) -> Float32Array:
        """Page-locked memory for `count` floats, zero."""
        ...

    def allocate(self, size_bytes: int) -> int:
        """Address of memory on the device, until `close`."""
        ...

    def upload(self, address: int, source: Float32Array) -> None:
        """Queue a copy to the device; the source must not change until `wait`."""
        ...

    def download(self, target: Float32Array, address: int) -> None:
        """Queue a copy from the device; the target holds it after `wait`."""
        ...

    def zero(self, address: int, size_bytes: int) -> None:
        """Queue zeros."""
        ...

    def record(self, work: Work) -> Work:
        """What `work` queues as one CUDA graph, launched by what is returned; nothing runs yet.

        Raises:
            EngineError: the driver or the work does not allow it.
        """
        ...

    def wait(self) -> None:
        """Until all that was queued is done."""
        ...

    def close(self) -> None:
        """Free all memory; may be called twice."""
        ...


class Network(Protocol):
    """An engine that the device can run."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """Name and shape of each tensor that goes in, all float32."""
        ...

    @property
    def outputs(self) -> Mapping[str, Shape]:
        """Name and shape of each tensor that comes out, all float32."""
        ...

    def bind(self, addresses: Mapping[str, int]) -> Work:
        """What runs it once on tensors at these addresses. Results of several must not be computed at the same time.

        Raises:
            EngineError: there is no memory left for what lies between.
        """
        ...

    def close(self) -> None:
        """Release it; may be called twice."""
        ...


class DeviceBlock:
    """Several arrays as one piece of page-locked memory and one of the device's, so that one copy takes all.

    Attributes:
        arrays: the page-locked arrays by name.
        addresses: where each lies on the device.
    """

    def __init__(self, device: Device, shapes: Mapping[str, Shape]) -> None:
        step = ALIGNMENT_BYTES // 4
        offsets, count = {}, 0
        for name, shape in shapes.items():
            offsets[name] = count
            count += -(-int(np.prod(shape)) // step) * step
        self._device = device
        self._flat = device.host(count)
        self._address = device.allocate(4 * count)
        self.arrays = {
            name: self._flat[offsets[name] :][: int(np.prod(shape))].reshape(shape) for name, shape in shapes.items()
        }
        self.addresses = {name: self._address + 4 * offset for name, offset in offsets.items()}

    def upload(self) -> None:
        """Queue the copy of all to the device."""
        self._device.upload(self._address, self._flat)

    def download(self) -> None:
        """Queue the copy of all from the device."""
        self._device.download(self._flat, self._address)
