from pathlib import Path

import yaml

from face_model.frames import HEAD_FRAME

CONFIG = Path(__file__).resolve().parents[2] / "rviz" / "face.rviz"


def test_rviz_shows_our_topics_in_the_head_frame_from_the_front() -> None:
    manager = yaml.safe_load(CONFIG.read_text())["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == HEAD_FRAME
    displays = {d["Class"].split("/")[1]: d for d in manager["Displays"]}
    assert displays["MarkerArray"]["Topic"]["Value"] == "/face/markers"
    assert displays["MarkerArray"]["Topic"]["Reliability Policy"] == "Reliable"
    assert displays["MarkerArray"]["Enabled"]
    assert displays["PointCloud2"]["Topic"]["Value"] == "/face/points"
    assert displays["PointCloud2"]["Enabled"]
    assert displays["MarkerArray"]["Namespaces"] == {"face": True, "neutral": False, "sensors": True, "state": True}
    assert not displays["Grid"]["Enabled"]
    assert not displays["TF"]["Enabled"]
    view = manager["Views"]["Current"]
    # Yaw 0 puts the orbit's camera on the +x side: in front of the face.
    assert (view["Yaw"], view["Pitch"], view["Target Frame"]) == (0, 0, HEAD_FRAME)
