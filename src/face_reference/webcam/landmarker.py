"""MediaPipe's face landmarker: where its model is, and what its 52 scores mean here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_reference.errors import SourceError

URL: Final = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
SHA256: Final = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
FILE: Final = "face_landmarker.task"

NOT_SEEN: Final[dict[str, str]] = {
    "tongueOut": "is not among its outputs (google-ai-edge/mediapipe issue 4403)",
    "cheekPuff": "stays at nought, whatever the cheeks do (issue 4436)",
    "cheekSquintLeft": "stays at nought",
    "cheekSquintRight": "stays at nought",
    "noseSneerLeft": "stays at nought (issue 4450)",
    "noseSneerRight": "stays at nought (issue 4450)",
}
"""ARKit shapes that it does not measure, and why; the mask leaves them out."""

SEEN: Final[NDArray[np.bool_]] = np.array([name not in NOT_SEEN for name in arkit.BLENDSHAPES], dtype=np.bool_)


def weights_of(scores: Iterable[tuple[str, float]]) -> NDArray[np.float32]:
    """Weights (52,) from its named scores; `_neutral`, which is no shape, and what is not measured are left out."""
    weights = np.zeros(arkit.COUNT, dtype=np.float32)
    for name, score in scores:
        index = arkit.INDEX.get(name)
        if index is not None and name not in NOT_SEEN:
            weights[index] = min(max(score, 0.0), 1.0)
    return weights


def default_model() -> Path:
    """Where the model is looked for: $IMUSIC_LANDMARKER, else in the user's data folder."""
    given = os.environ.get("IMUSIC_LANDMARKER")
    if given:
        return Path(given).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "imusic" / FILE


def found_model(given: str) -> Path:
    """The model's file: as given, or the default one.

    Raises:
        SourceError: there is none; the message says how to get it.
    """
    path = Path(given).expanduser() if given else default_model()
    if not path.is_file():
        raise SourceError(
            f"expected the model of MediaPipe's face landmarker at {path}, found no file; get it once (3.8 MB): "
            f"curl --create-dirs -o {path} {URL}"
        )
    return path
