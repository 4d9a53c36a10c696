"""Which engine runs a model on this machine."""

from __future__ import annotations

from face_inference.engine import Engine
from face_inference.errors import EngineError
from face_inference.model_folder import Model
from face_inference.onnx_engine import OnnxEngine

ENGINES = ("auto", "onnxruntime")
"""Values of the parameter `engine`."""


def create_engine(model: Model, name: str = "auto") -> tuple[Engine, str]:
    """An engine ready to run, and one line that says what was chosen and why.

    Raises:
        EngineError: the name is unknown, the library is missing, or it does not accept the model.
    """
    if name not in ENGINES:
        raise EngineError(f"expected engine to be one of {', '.join(ENGINES)}, found {name!r}")
    engine = OnnxEngine(model)
    reason = "asked for" if name != "auto" else "automatic choice: the only engine built in"
    return engine, f"{model.description.title} runs on {engine.description} ({reason})"
