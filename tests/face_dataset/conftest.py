from __future__ import annotations

from typing import Any

import pytest

from face_model import arkit


def tiny(**changes: Any) -> dict[str, Any]:
    """Four people, three shards: some seconds of motion."""
    takes = {
        "talk": {"split": "train", "wearers": 3, "generated": {"seconds": [2.0, 3.0]}},
        "watch": {"split": "validation", "wearers": 1, "generated": {"seconds": [2.0, 2.0]}},
    }
    return {"name": "tiny", "seed": 4, "shard_mib": 0.15, "takes": takes, "hub": {"loss": 0.1}} | changes


def livelink_csv(seconds: float = 2.0) -> str:
    """A Live Link Face CSV at 30 fps in which jawOpen rises and falls; the head does not move."""
    columns = [name[0].upper() + name[1:] for name in arkit.BLENDSHAPES]
    angles = [f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll")]
    rows = [",".join(["Timecode", "BlendShapeCount", *columns, *angles])]
    jaw = arkit.BLENDSHAPES.index("jawOpen")
    for frame in range(int(30 * seconds)):
        values = ["0.0"] * (len(columns) + len(angles))
        values[jaw] = f"{0.5 - abs(frame / (30 * seconds) - 0.5):.4f}"
        rows.append(f"10:00:{frame // 30:02d}:{2 * (frame % 30):02d}.000,61," + ",".join(values))
    return "\n".join(rows) + "\n"


@pytest.fixture
def recorded_dir(tmp_path: Any) -> Any:
    folder = tmp_path / "recorded"
    folder.mkdir()
    (folder / "person_x_talk.csv").write_text(livelink_csv())
    return folder
