"""What RViz and Foxglove show, for the namespace of a wearer.

`rviz/face.rviz` and `foxglove/face.json` show a face without a namespace. Neither program knows relative names, so for
a namespace the topics and the head's frame in them are renamed.
"""

from __future__ import annotations

import re
from pathlib import Path

from face_model.frames import HEAD_FRAME, checked_frame, head_frame
from face_model.outputs import check_output_folder, write_whole
from face_model.share import share_dir
from face_viz.errors import VizError

VIEWS = ("rviz/face.rviz", "foxglove/face.json")
"""In the package's share."""

_TOPIC = re.compile(r"(?<![\w/.:~-])/(face|imu|recording|recorder|face_inference|imu_driver|face_viz)/")


def view(name: str, namespace: str = "", frame_id: str = "") -> str:
    """The text of one of `VIEWS` for a wearer.

    Args:
        name: of the file.
        namespace: of the wearer; empty: none.
        frame_id: of the wearer's head; empty: that of the namespace.

    Raises:
        VizError: the file is not there, or the frame is none.
    """
    path = share_dir() / name
    try:
        frame = checked_frame(head_frame(namespace, frame_id))
        text = path.read_text(encoding="utf-8")
    except ValueError as error:
        raise VizError(f"frame_id: {error}") from error
    except OSError as error:
        raise VizError(f"expected {path}, found: {error.strerror}; install the package again") from error
    place = namespace.strip("/")
    if place:
        text = _TOPIC.sub(rf"/{place}/\1/", text)
    return re.sub(rf"\b{HEAD_FRAME}\b", frame, text)


def write_views(folder: Path, namespace: str = "", frame_id: str = "") -> list[Path]:
    """Write all `VIEWS` for a wearer into a folder, which is made where it is none; their paths.

    Raises:
        VizError: as of `view`.
        OutputError: the folder cannot be made or written into.
    """
    texts = {name: view(name, namespace, frame_id) for name in VIEWS}
    check_output_folder(folder).mkdir(parents=True, exist_ok=True)
    place = "_".join(part for part in namespace.split("/") if part) or "face"
    written = []
    for name, text in texts.items():
        path = folder / f"{place}{Path(name).suffix}"
        write_whole(path, lambda part, text=text: part.write_text(text, encoding="utf-8"))  # type: ignore[misc]
        written.append(path)
    return written
