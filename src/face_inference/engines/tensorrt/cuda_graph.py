"""CUDA graphs by the driver's own functions: PyCUDA (as of 2026.1) has none for them.

Names, types and constants are those of cuda.h; CUDA driver API, "Stream Management" and "Graph Management".
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable
from typing import Any

from face_inference.errors import EngineError

_LIBRARY = "libcuda.so.1"
_CAPTURE_MODE_THREAD_LOCAL = 1
"""What other threads do with CUDA meanwhile, PyTorch for one, neither ends up in the graph nor spoils it."""


class GraphApi:
    """The few functions that record a stream and launch the record.

    Raises:
        EngineError: there is no driver, or one older than CUDA 11.4.
    """

    def __init__(self, driver: Any = None) -> None:
        try:
            self._driver = driver or ctypes.CDLL(_LIBRARY)
            self._begin = self._function("cuStreamBeginCapture_v2", ctypes.c_void_p, ctypes.c_int)
            self._end = self._function("cuStreamEndCapture", ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
            self._instantiate = self._function(
                "cuGraphInstantiateWithFlags", ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_ulonglong
            )
            self._launch = self._function("cuGraphLaunch", ctypes.c_void_p, ctypes.c_void_p)
            self._destroy = self._function("cuGraphDestroy", ctypes.c_void_p)
            self._destroy_executable = self._function("cuGraphExecDestroy", ctypes.c_void_p)
            self._error = self._function("cuGetErrorString", ctypes.c_int, ctypes.POINTER(ctypes.c_char_p))
        except (OSError, AttributeError) as error:
            raise EngineError(f"expected a CUDA driver of version 11.4 or newer, found {error}") from error

    def record(self, stream: int, work: Callable[[], None]) -> CudaGraph:
        """Record what `work` queues on a stream, which is not run.

        Raises:
            EngineError: a part of it cannot be recorded.
        """
        graph, executable = ctypes.c_void_p(), ctypes.c_void_p()
        self.check("cuStreamBeginCapture", self._begin(stream, _CAPTURE_MODE_THREAD_LOCAL))
        ended = 0
        try:
            try:
                work()
            finally:
                # However the work ended: a stream that still records can do nothing else.
                ended = self._end(stream, ctypes.byref(graph))
            self.check("cuStreamEndCapture", ended)
            self.check("cuGraphInstantiate", self._instantiate(ctypes.byref(executable), graph, 0))
        finally:
            if graph:
                self._destroy(graph)
        return CudaGraph(self, executable, stream)

    def launch(self, executable: ctypes.c_void_p, stream: int) -> None:
        """Queue a recorded graph."""
        self.check("cuGraphLaunch", self._launch(executable, stream))

    def free(self, executable: ctypes.c_void_p) -> None:
        """Release a recorded graph."""
        self.check("cuGraphExecDestroy", self._destroy_executable(executable))

    def check(self, what: str, result: int) -> None:
        """Raise for every CUresult but success."""
        if result:
            text = ctypes.c_char_p()
            self._error(result, ctypes.byref(text))
            reason = text.value.decode() if text.value else f"error {result}"
            raise EngineError(f"expected {what} to work, found: {reason}")

    def _function(self, name: str, *arguments: Any) -> Any:
        function = getattr(self._driver, name)
        function.argtypes, function.restype = arguments, ctypes.c_int
        return function


class CudaGraph:
    """Recorded work that one call queues."""

    def __init__(self, api: GraphApi, executable: ctypes.c_void_p, stream: int) -> None:
        self._api, self._executable, self._stream = api, executable, stream

    def launch(self) -> None:
        """Queue it.

        Raises:
            EngineError: the device failed.
        """
        self._api.launch(self._executable, self._stream)

    def close(self) -> None:
        """Release it; may be called twice."""
        executable, self._executable = self._executable, ctypes.c_void_p()
        if executable:
            # A device that failed says so again here; nothing is left to be saved.
            with contextlib.suppress(EngineError):
                self._api.free(executable)
