"""Which TensorRT is here: NVIDIA's `tensorrt`, or TensorRT for RTX, whose Python interface is nearly the same."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import Any

from face_inference.errors import EngineError

_MODULES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT for RTX"}
_OLDEST_TENSORRT = 10
"""The first that types a network strongly, as the graph says, which decides what runs in float16."""

_KEPT_ERRORS = 8


class ErrorLog:
    """The last errors that the library wrote to its log: its functions only return nothing when they fail."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Keep a line, and of all only the last few."""
        self._lines = [*self._lines, line.strip()][-_KEPT_ERRORS:]

    def take(self) -> str:
        """What was kept since the last call, as one line."""
        lines, self._lines = self._lines, []
        return "; ".join(dict.fromkeys(lines)) or "no reason given"


@dataclass(frozen=True)
class TensorRtLibrary:
    """A TensorRT that imports.

    Attributes:
        module: `tensorrt` or `tensorrt_rtx`.
        title: for people.
        version: of the library.
        for_rtx: builds without a GPU, for compute capabilities; the GPU's driver compiles the kernels at the first run.
        logger: the library's own logger; it takes one for all its objects.
        errors: what that logger was told.
    """

    module: Any
    title: str
    version: str
    for_rtx: bool
    logger: Any
    errors: ErrorLog

    @property
    def compute_capabilities(self) -> tuple[str, ...]:
        """Those an engine can be built for ahead, such as 8.9; none for plain TensorRT, which builds on the GPU."""
        if not self.for_rtx:
            return ()
        names = [name for name in self.module.ComputeCapability.__members__ if name.startswith("SM")]
        return tuple(f"{name[2:-1]}.{name[-1]}" for name in names)


@functools.cache
def find_library() -> TensorRtLibrary:
    """The TensorRT of this machine.

    Raises:
        EngineError: there is none that imports and is new enough, with what to install.
    """
    refused = []
    for name, title in _MODULES.items():
        try:
            module = importlib.import_module(name)
            version = str(module.__version__)
        # OSError: the package is there and one of its libraries is not. AttributeError: a folder of that name.
        except (ImportError, OSError, AttributeError) as error:
            refused.append(str(error))
            continue
        if name == "tensorrt" and int(version.split(".")[0]) < _OLDEST_TENSORRT:
            refused.append(f"{title} {version}, which is older than {_OLDEST_TENSORRT}")
            continue
        errors = ErrorLog()
        return TensorRtLibrary(module, title, version, name == "tensorrt_rtx", _logger(module, errors), errors)
    raise EngineError(
        f"expected TensorRT or TensorRT for RTX, found: {'; '.join(refused)}; pip install -r requirements/gpu.txt"
    )


def _logger(module: Any, errors: ErrorLog) -> Any:
    serious = (module.ILogger.Severity.ERROR, module.ILogger.Severity.INTERNAL_ERROR)

    class Logger(module.ILogger):  # type: ignore[misc]  # the base is known only where the library is
        """Keeps errors; the rest is for the library's developers."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            """Called by the library, from any of its threads."""
            if severity in serious:
                errors.add(message)

    return Logger()
