"""A serialized engine, read back and made ready to run on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from face_inference.engines.tensorrt.device import Device, Shape, Work
from face_inference.engines.tensorrt.library import TensorRtLibrary
from face_inference.errors import EngineError


class TensorRtNetwork:
    """See `device.Network`.

    Args:
        library: that the engine was built with.
        payload: what it built.
        device: active while this is made, bound and closed.
        kernels: what `kernels` returned in an earlier run, so that they need not be compiled again. They are checked by
            the library, which drops what is not for this GPU and driver.

    Raises:
        EngineError: the library does not take the engine, or the GPU has no memory for it.
    """

    def __init__(self, library: TensorRtLibrary, payload: bytes, device: Device, kernels: bytes | None = None) -> None:
        trt = library.module
        self._library, self._device = library, device
        self._contexts: list[Any] = []
        self._runtime = trt.Runtime(library.logger)
        self._engine = self._runtime.deserialize_cuda_engine(payload)
        if self._engine is None:
            raise EngineError(
                f"expected an engine that {library.title} {library.version} runs, found {library.errors.take()}"
            )
        self._configuration, self._cache = self._runtime_configuration(kernels)
        self.inputs, self.outputs = self._edges()

    def bind(self, addresses: Mapping[str, int]) -> Work:
        """What runs the engine once on tensors at these addresses; each time with its own memory for what lies between.

        Raises:
            EngineError: there is no memory for that.
        """
        made = self._engine.create_execution_context
        context = made(self._configuration) if self._configuration else made()
        if context is None:
            raise EngineError(
                f"expected memory to run the engine, found {self._library.errors.take()}; run fewer faces"
            )
        self._contexts.append(context)
        for name, address in addresses.items():
            if not context.set_tensor_address(name, address):
                raise EngineError(f"expected a tensor {name} at {address:#x}, found {self._library.errors.take()}")

        def run() -> None:
            if not context.execute_async_v3(self._device.stream):
                raise EngineError(f"expected {self._library.title} to run a step, found {self._library.errors.take()}")

        return run

    def kernels(self) -> bytes | None:
        """What was compiled for this GPU so far; none where the engine held it all."""
        if self._cache is None:
            return None
        memory = self._cache.serialize()
        return bytes(memory) if memory is not None else None

    def close(self) -> None:
        """Release it; may be called twice. The order is that in which one refers to the other."""
        self._contexts.clear()
        self._configuration = self._cache = self._engine = self._runtime = None

    def _runtime_configuration(self, kernels: bytes | None) -> tuple[Any, Any]:
        if not self._library.for_rtx:
            return None, None
        configuration = self._engine.create_runtime_config()
        # The whole step becomes one graph anyway, with its copies; one within another would not.
        configuration.cuda_graph_strategy = self._library.module.CudaGraphStrategy.DISABLED
        cache = configuration.create_runtime_cache()
        if kernels:
            cache.deserialize(kernels)
        configuration.set_runtime_cache(cache)
        return configuration, cache

    def _edges(self) -> tuple[dict[str, Shape], dict[str, Shape]]:
        trt, engine = self._library.module, self._engine
        inputs: dict[str, Shape] = {}
        outputs: dict[str, Shape] = {}
        for name in (engine.get_tensor_name(i) for i in range(engine.num_io_tensors)):
            if engine.get_tensor_dtype(name) != trt.float32:
                raise EngineError(f"expected float32 for {name}, found {engine.get_tensor_dtype(name)}")
            side = inputs if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT else outputs
            side[name] = tuple(engine.get_tensor_shape(name))
        return inputs, outputs
