"""A stranger's eye on the drawn face: a reader of faces that knows nothing of the rig says which shapes it sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, observability
from face_viz.errors import VizError

if TYPE_CHECKING:
    from PIL.Image import Image

REST: Final = "rest"
CALM: Final = 0.15
"""A shape that is read above this on the face at rest is one that nobody makes."""
FIRST: Final = 2
"""A shape is recognised if its reading is among so many largest changes."""
NEVER_READ: Final = frozenset(
    {"cheekPuff", "cheekSquintLeft", "cheekSquintRight", "jawForward", "mouthClose", "noseSneerLeft", "noseSneerRight"}
)
"""Shapes that MediaPipe's face landmarker does not answer to on photographs either (google-ai-edge/mediapipe#4436)."""
JUDGED: Final = tuple(arkit.BLENDSHAPES[i] for i in observability.OBSERVABLE if arkit.BLENDSHAPES[i] not in NEVER_READ)

Scores = Mapping[str, float]
"""What was read in a picture, 0 to 1, by ARKit name."""


class FaceReader(Protocol):
    """Reads ARKit shapes in a picture."""

    def read(self, picture: Image) -> Scores | None:
        """What is seen; None if no face is."""


@dataclass(frozen=True)
class Verdict:
    """How one shape was read.

    Attributes:
        shape: drawn at weight 1, all others at 0.
        change: of its own reading against rest; NaN if no face was found.
        rank: place of that change among all, by size, from 1; 0 if no face was found.
        first: the two largest changes, by name.
    """

    shape: str
    change: float
    rank: int
    first: tuple[tuple[str, float], ...]

    @property
    def recognised(self) -> bool:
        """Whether it is among the largest changes."""
        return 0 < self.rank <= FIRST


@dataclass(frozen=True)
class Look:
    """What a reader made of a face: readings at rest, and a verdict for each shape."""

    rest: Scores
    verdicts: tuple[Verdict, ...]

    @property
    def recognised(self) -> int:
        """Shapes that were recognised."""
        return sum(verdict.recognised for verdict in self.verdicts)

    @property
    def stares(self) -> dict[str, float]:
        """Readings at rest above `CALM`, largest first."""
        return dict(sorted(((n, s) for n, s in self.rest.items() if s > CALM), key=lambda item: -item[1]))


def look(draw: Callable[[NDArray[np.float32]], Image], reader: FaceReader) -> Look:
    """Draw the face at rest and each of `JUDGED` alone, and let it be read.

    Args:
        draw: picture of the face from the front at weights (52,).
        reader: reads it.

    Raises:
        VizError: no face is found at rest.
    """
    rest = reader.read(draw(np.zeros(arkit.COUNT, np.float32)))
    if rest is None:
        raise VizError("expected the reader to find the face at rest, found none; is it drawn whole, from the front?")
    verdicts = []
    for shape in JUDGED:
        weights = np.zeros(arkit.COUNT, np.float32)
        weights[arkit.INDEX[shape]] = 1.0
        verdicts.append(_verdict(shape, rest, reader.read(draw(weights))))
    return Look(rest, tuple(verdicts))


def from_folder(folder: Path) -> Callable[[NDArray[np.float32]], Image]:
    """Pictures that another program drew: `rest.png`, and one for each shape by its name.

    Raises:
        VizError: one is missing.
    """
    from PIL import Image

    missing = [name for name in (REST, *JUDGED) if not (folder / f"{name}.png").is_file()]
    if missing:
        raise VizError(f"expected a picture NAME.png of rest and of each shape in {folder}, missing {missing[:5]}")

    def draw(weights: NDArray[np.float32]) -> Image.Image:
        shape = np.flatnonzero(weights)
        name = arkit.BLENDSHAPES[int(shape[0])] if len(shape) else REST
        with Image.open(folder / f"{name}.png") as picture:
            return picture.convert("RGB")

    return draw


def _verdict(shape: str, rest: Scores, seen: Scores | None) -> Verdict:
    if seen is None:
        return Verdict(shape, float("nan"), 0, ())
    changes = {name: seen[name] - rest[name] for name in rest}
    order = sorted(changes, key=lambda name: -abs(changes[name]))
    rank = order.index(shape) + 1 if shape in changes else len(order) + 1
    return Verdict(shape, changes.get(shape, 0.0), rank, tuple((name, changes[name]) for name in order[:FIRST]))


class MediaPipeReader:
    """Google's MediaPipe face landmarker, which is neither shipped nor required.

    Args:
        model: its file `face_landmarker.task`.

    Raises:
        VizError: the library is not installed, or there is no such file.
    """

    def __init__(self, model: Path) -> None:
        try:
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
        except ModuleNotFoundError as error:
            raise VizError(f"the reader needs {error.name}, which is not installed; pip install mediapipe") from error
        if not model.is_file():
            raise VizError(
                f"expected the landmarker's model file, found nothing at {model}; get face_landmarker.task from "
                "https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker and name it"
            )
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            output_face_blendshapes=True,
            min_face_detection_confidence=0.3,
            min_face_presence_confidence=0.3,
        )
        self._mediapipe: Any = mediapipe
        self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)

    def read(self, picture: Image) -> Scores | None:
        """See `FaceReader`."""
        pixels = np.ascontiguousarray(np.asarray(picture.convert("RGB")))
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=pixels)
        found = self._landmarker.detect(image).face_blendshapes
        if not found:
            return None
        return {str(c.category_name): float(c.score) for c in found[0] if c.category_name in arkit.INDEX}

    def close(self) -> None:
        """Free it."""
        self._landmarker.close()
