"""TensorRT on an NVIDIA GPU: the state stays on the device, one launch does a step."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.engines.host import RingState
from face_inference.engines.protocol import EngineOutput, EngineState, OnProgress
from face_inference.engines.tensorrt.cache import EngineCache
from face_inference.engines.tensorrt.cuda import PyCudaDevice, find_gpu
from face_inference.engines.tensorrt.device import Device, DeviceBlock, Network, Shape, Work
from face_inference.engines.tensorrt.library import find_library
from face_inference.engines.tensorrt.opening import Order, open_network
from face_inference.errors import EngineError
from face_inference.model_folder import Model, ModelDescription
from face_inference.network_inputs import input_size
from face_model import arkit

Float32Array = NDArray[np.float32]

_WARM_UP_STEPS = 8


class TensorRtEngine:
    """Runs the graph that carries its rings, which lie on the device in two sets: a step reads one, writes the other.

    Inputs and ticks go up in one copy, weights and confidences come down in one, and copies and network are one CUDA
    graph for each of the two turns. Faces that wait are computed and not counted.

    Args:
        model: what the network was built from.
        faces: F.
        device: freed by `close`, also where this fails.
        network: on that device; closed likewise.
        title: library, version and precision.

    Raises:
        EngineError: the network has other tensors than the model, or the device fails or has no memory left.
    """

    def __init__(self, model: ModelDescription, faces: int, device: Device, network: Network, title: str) -> None:
        self._device, self._network, self._faces = device, network, faces
        self._turn = 0
        self._closed = False
        self._why_no_graph = ""
        self._steps: list[Work] = []
        try:
            with device.active():
                self._prepare(model)
        except BaseException:
            self.close()
            raise
        graphs = f"no CUDA graph: {self._why_no_graph}" if self._why_no_graph else "CUDA graphs"
        self._description = f"{title} on {device.name} by PyCUDA, {graphs}"

    @classmethod
    def create(
        cls, model: Model, faces: int = 1, precision: str = "float16", on_progress: OnProgress | None = None
    ) -> TensorRtEngine:
        """An engine on this machine's GPU, from the cache or built; warmed up.

        Args:
            model: to be run.
            faces: how many it runs at once.
            precision: float16 or float32.
            on_progress: told how far a build is.

        Raises:
            EngineError: no TensorRT, PyCUDA, driver or GPU, or one that does not take the model; what to do about it.
        """
        gpu = find_gpu()  # first: the library takes a second and 100 MB to import
        order = Order(model, find_library(), faces, precision)
        device = PyCudaDevice(gpu)
        title = f"{order.library.title} {order.library.version}, {precision},"
        try:
            with device.active():
                network, keep_kernels = open_network(order, gpu, device, EngineCache(), on_progress)
        except BaseException:
            device.close()
            raise
        engine = cls(model.description, faces, device, network, title)
        with device.active():
            keep_kernels()
        return engine

    @property
    def description(self) -> str:
        """Library, version, precision and device."""
        return self._description

    @property
    def faces(self) -> int:
        """F, how many faces it runs."""
        return self._faces

    @property
    def inputs(self) -> Float32Array:
        """(F, I), page-locked, to be filled before a step."""
        return self._up.arrays["inputs"]

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """One tick of the faces where `active` (F,) is true; see `Engine.step`.

        Raises:
            EngineError: the device failed, or the engine is closed.
        """
        self._check_open()
        if active is not None and not active.any():
            return self._output
        with self._device.active():
            self._steps[self._turn]()
            self._device.wait()
        self._turn = 1 - self._turn
        self._state.advance(slice(None) if active is None else np.flatnonzero(active))
        return self._output

    def reset(self, face: int = 0) -> None:
        """Forget a face's past.

        Raises:
            EngineError: the device failed.
        """
        self._check_open()
        self._state.ticks[face] = 0.0
        with self._device.active():
            for address, size in self._face_rings(face):
                self._device.zero(address, size)

    def save_state(self, face: int = 0) -> EngineState:
        """See `Engine.save_state`.

        Raises:
            EngineError: the device failed.
        """
        self._check_open()
        rings = tuple(np.empty((ring.length, ring.width), dtype=np.float32) for ring in self._rings)
        with self._device.active():
            for array, (address, _) in zip(rings, self._face_rings(face), strict=True):
                self._device.download(array, address)
            self._device.wait()
        return EngineState(int(self._state.ticks[face, 0]), rings)

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Continue from `save_state`.

        Raises:
            EngineError: the state is of another model, or the device failed.
        """
        self._check_open()
        self._state.check(state)
        rings = [np.ascontiguousarray(ring, dtype=np.float32) for ring in state.rings]
        with self._device.active():
            for array, (address, _) in zip(rings, self._face_rings(face), strict=True):
                self._device.upload(address, array)
            self._device.wait()
        self._state.ticks[face] = state.ticks

    def close(self) -> None:
        """Free all that lies on the device; may be called twice. Its arrays must not be read afterwards."""
        if self._closed:
            return
        self._closed = True
        # A device that failed cannot free anything either, and has said so already.
        with contextlib.suppress(EngineError):
            self._steps = []
            with self._device.active():
                self._network.close()
            self._device.close()

    def _prepare(self, model: ModelDescription) -> None:
        self._rings = model.rings
        self._state = RingState(model.rings, self._faces)  # ticks, and the shapes that a restored state must have
        weights: dict[str, Shape] = dict.fromkeys(EngineOutput._fields, (self._faces, arkit.COUNT))
        fed: dict[str, Shape] = {
            "inputs": (self._faces, input_size(Channels.of(model.mounts))),
            "ticks": (self._faces, 1),
        }
        rings: dict[str, Shape] = {ring.name: (self._faces, ring.length, ring.width) for ring in model.rings}
        _check_edges("inputs", self._network.inputs, fed | rings)
        _check_edges("outputs", self._network.outputs, weights | {f"next_{name}": s for name, s in rings.items()})
        self._up, self._down = DeviceBlock(self._device, fed), DeviceBlock(self._device, weights)
        self._state.ticks = self._up.arrays["ticks"].reshape(self._faces, 1)
        self._output = EngineOutput(self._down.arrays["weights"], self._down.arrays["confidence"])
        sizes = [4 * self._faces * ring.length * ring.width for ring in model.rings]
        self._sets = [[self._device.allocate(size) for size in sizes] for _ in range(2)]
        plain = [self._whole_step(turn) for turn in range(2)]
        self._run(plain)  # what the library allocates at the first run cannot be recorded
        self._steps = self._recorded(plain)
        self._run(self._steps)
        for addresses in self._sets:
            for address, size in zip(addresses, sizes, strict=True):
                self._device.zero(address, size)
        self._device.wait()

    def _whole_step(self, turn: int) -> Work:
        """Copies and network from the set of rings `turn` to the other."""
        names = [ring.name for ring in self._rings]
        addresses = {**self._up.addresses, **self._down.addresses}
        addresses |= dict(zip(names, self._sets[turn], strict=True))
        addresses |= dict(zip((f"next_{name}" for name in names), self._sets[1 - turn], strict=True))
        network = self._network.bind(addresses)

        def run() -> None:
            self._up.upload()
            network()
            self._down.download()

        return run

    def _recorded(self, steps: list[Work]) -> list[Work]:
        try:
            return [self._device.record(step) for step in steps]
        except EngineError as error:
            self._why_no_graph = str(error)
            return [self._whole_step(turn) for turn in range(2)]  # what failed half-way is not used again

    def _run(self, steps: list[Work]) -> None:
        for i in range(_WARM_UP_STEPS):
            steps[i % len(steps)]()
            self._device.wait()

    def _face_rings(self, face: int) -> list[tuple[int, int]]:
        """Address and size in bytes of a face's rows of each ring, in the set that the next step reads."""
        sizes = [4 * ring.length * ring.width for ring in self._rings]
        return [(address + face * size, size) for address, size in zip(self._sets[self._turn], sizes, strict=True)]

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("expected an open engine, found one that was closed; create another")


def _check_edges(what: str, found: Mapping[str, Shape], expected: Mapping[str, Shape]) -> None:
    """What is bound has fixed addresses: a wrong shape would read or write foreign memory."""
    if dict(found) != dict(expected):
        raise EngineError(f"expected {what} {expected}, found {found}; build the engine again")
