"""A take as a CSV file of a robot's joint angles: what the node `robot_head` would have commanded.

A row for each command: `time` in s since the first face, then each joint's angle in rad (metres for a prismatic one),
in the order of the robot's file, within its limits and rates. Held faces are lost ones, as a robot meets them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_recording.takes.errors import TakeError
from face_recording.takes.take import CALIBRATING, STALE, Take
from face_retarget.robot import RobotSettings
from face_retarget.robot_head import RobotHead


def write_joints(take: Take, robot: RobotSettings, path: Path) -> None:
    """Write a take to exactly this path, a row for each of its faces.

    Raises:
        TakeError: there is no face.
    """
    take = take.ordered()
    names, places = joint_angles(take, robot)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(["time", *names]) + "\n")
        for time_s, row in zip(take.times_s.tolist(), places.tolist(), strict=True):
            file.write(f"{time_s:.6f},{','.join(f'{angle:.6f}' for angle in row)}\n")


def joint_angles(take: Take, robot: RobotSettings) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Names of the joints, and (N, J) their angles at the faces' times.

    Raises:
        TakeError: there is no face.
    """
    if not len(take):
        raise TakeError("expected a face or more for joint angles, found none in this take")
    head = RobotHead(robot)
    places = np.zeros((len(take), len(head.names)))
    followed = (take.state != CALIBRATING) & (take.state != STALE) & ~take.held
    for i, now_s in enumerate(take.times_s.tolist()):
        if followed[i]:
            head.observe(now_s, take.weights[i], take.confidence[i], take.observable[i], take.head_orientation[i])
        else:
            head.lose(now_s)
            if take.state[i] == CALIBRATING:
                head.look_ahead()
        places[i] = head.step(now_s)
    return head.names, places
