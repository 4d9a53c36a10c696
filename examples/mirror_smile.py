"""A robot that mirrors a smile: hears faces, commands a joint for the corners of its mouth.

Run it as `subscriber.py`. Two rules make it calm. A smile begins above one threshold and ends below a lower one, so
that it does not flicker between them; and what the model is not sure of moves nothing.
"""

from contextlib import suppress

import rclpy
from imusic.msg import FaceBlendshapes
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import Float64

BEGINS, ENDS = 0.30, 0.15
"""Weight above which a smile begins, and below which it ends."""
SURE = 0.4
"""Confidence below which a face is not followed: the joint stays where it is."""
FULL_RAD = 0.6
"""Joint angle of a full smile, rad."""
SIDES = (FaceBlendshapes.MOUTH_SMILE_LEFT, FaceBlendshapes.MOUTH_SMILE_RIGHT)


class MirrorSmile(Node):
    """Follows the mean of both corners of the mouth while there is a smile, and goes to rest otherwise."""

    def __init__(self) -> None:
        super().__init__("mirror_smile")
        self.smiling = False
        self.joint = self.create_publisher(Float64, "smile_joint/command", 10)
        self.create_subscription(FaceBlendshapes, "face/blendshapes", self.on_face, qos_profile_sensor_data)

    def on_face(self, face: FaceBlendshapes) -> None:
        """Command the joint; nothing at all while the face cannot be trusted, and rest when it has gone."""
        smile = sum(float(face.weights[i]) for i in SIDES) / len(SIDES)
        gone = face.state == FaceBlendshapes.STATE_STALE
        if not gone and min(face.confidence[i] for i in SIDES) < SURE:
            return
        self.smiling = not gone and smile > (ENDS if self.smiling else BEGINS)
        self.joint.publish(Float64(data=FULL_RAD * min(smile, 1.0) if self.smiling else 0.0))


if __name__ == "__main__":
    # Ctrl-C ends it.
    with rclpy.init(), suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(MirrorSmile())
