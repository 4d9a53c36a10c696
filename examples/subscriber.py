"""Prints a smile and an open jaw while a graph runs (`./imusic demo`, or `imusic capture` with a hub).

In a checkout with ROS 2 from wheels, in its folder:

    root=$PWD; source wheels/environment.sh; python examples/subscriber.py

In a ROS 2 distribution, with the workspace sourced: `python3 examples/subscriber.py`. For a wearer in a namespace add
`--ros-args -r __ns:=/alice`.
"""

from contextlib import suppress

import rclpy
from imusic.msg import FaceBlendshapes
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data

SHOWN = {"smile": FaceBlendshapes.MOUTH_SMILE_LEFT, "jaw": FaceBlendshapes.JAW_OPEN}
STATES = {
    FaceBlendshapes.STATE_CALIBRATING: "calibrating: relax and keep still",
    FaceBlendshapes.STATE_TRACKING: "tracking",
    FaceBlendshapes.STATE_DEGRADED: "degraded",
    FaceBlendshapes.STATE_STALE: "stale",
}


class Subscriber(Node):
    """Hears faces; an old one is of no use, so the quality of service is that of sensor data."""

    def __init__(self) -> None:
        super().__init__("subscriber")
        self.create_subscription(FaceBlendshapes, "face/blendshapes", self.on_face, qos_profile_sensor_data)

    def on_face(self, face: FaceBlendshapes) -> None:
        """Each face has 52 weights and as many confidences, in the order of the message's constants."""
        values = [f"{name} {face.weights[i]:.2f} (confidence {face.confidence[i]:.2f})" for name, i in SHOWN.items()]
        print(f"{STATES[face.state]}: {', '.join(values)}", flush=True)


if __name__ == "__main__":
    # Ctrl-C ends it.
    with rclpy.init(), suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(Subscriber())
