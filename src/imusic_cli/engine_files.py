"""Engine files built ahead, for the GPU here or for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from face_inference.engines.protocol import OnProgress
from face_inference.engines.tensorrt.build import GRAPHS, build_engine
from face_inference.engines.tensorrt.cache import cache_folder, write_engine_file
from face_inference.engines.tensorrt.cuda import find_gpu
from face_inference.engines.tensorrt.opening import ALL, Order
from face_inference.errors import EngineError
from face_model.outputs import check_output_folder
from face_model.share import expanded

CACHE = "cache"
"""Where capture looks for engines."""


@dataclass(frozen=True)
class Exported:
    """One engine file.

    Attributes:
        file: where it lies.
        size_bytes: of the engine.
        seconds: that the build took.
        layers: of the network, before they were fused.
        engine: library and its version.
        precision: float16 or float32.
        faces: how many it runs at once.
        target: compute capability or GPU that it is for.
        key: digest of all that makes it the right one.
    """

    file: str
    size_bytes: int
    seconds: float
    layers: int
    engine: str
    precision: str
    faces: int
    target: str
    key: str


def export_engine(
    order: Order, out: str, compute_capabilities: Sequence[str], on_progress: OnProgress
) -> list[Exported]:
    """Build and write one engine for each GPU asked for; into a file, one that runs on all of them.

    Raises:
        EngineError: the library does not build it, or it cannot be written.
    """
    folder = cache_folder() if out == CACHE else expanded(out)
    into_folder = out == CACHE or folder.is_dir()
    if out != CACHE:
        check_output_folder(folder if into_folder else folder.parent)
    asked = tuple(dict.fromkeys(compute_capabilities)) or _of_this_machine(order)
    targets = [(capability,) for capability in asked] if into_folder and asked else [asked]
    return [_export_one(order, folder, into_folder, target, on_progress) for target in targets]


def _export_one(
    order: Order, place: Path, into_folder: bool, capabilities: tuple[str, ...], on_progress: OnProgress
) -> Exported:
    library = order.library
    target = ", ".join(capabilities) or (ALL if library.for_rtx else order.target(find_gpu()))
    key = order.key(target)
    file = place / key.file_name if into_folder else place
    built = build_engine(library, order.model.file(GRAPHS[order.precision]), order.faces, capabilities, on_progress)
    write_engine_file(file, key, built.payload)
    return Exported(
        file=str(file),
        size_bytes=len(built.payload),
        seconds=built.seconds,
        layers=built.layers,
        engine=f"{library.title} {library.version}",
        precision=order.precision,
        faces=order.faces,
        target=target,
        key=key.digest,
    )


def _of_this_machine(order: Order) -> tuple[str, ...]:
    """The compute capability of the GPU here; none: all, or for plain TensorRT, which knows no other, its own."""
    if not order.library.for_rtx:
        return ()
    try:
        target = order.target(find_gpu())
    except EngineError:  # no GPU here: it is built for another machine
        return ()
    return () if target == ALL else (target,)
