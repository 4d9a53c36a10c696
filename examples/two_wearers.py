"""Two wearers on two ROS domains, or on two hosts, heard by one program.

    ROS_DOMAIN_ID=1 ./imusic demo --namespace alice
    ROS_DOMAIN_ID=2 ./imusic demo --namespace bob
    python examples/two_wearers.py 1:alice 2:bob

Domains do not see each other: that keeps two installations apart. On one domain the namespaces alone do, and a program
hears both without a second context. On two hosts: ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET on all of them (docs/ros.md).
"""

import sys
from contextlib import suppress

import rclpy
from imusic.msg import FaceBlendshapes
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data

SMILE = FaceBlendshapes.MOUTH_SMILE_LEFT


class Wearer:
    """Hears one wearer, in a domain of its own."""

    def __init__(self, domain: int, name: str) -> None:
        self.name, self.smile = name, float("nan")
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        node = rclpy.create_node("two_wearers", namespace=name, context=self.context)
        node.create_subscription(FaceBlendshapes, "face/blendshapes", self.on_face, qos_profile_sensor_data)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(node)

    def on_face(self, face: FaceBlendshapes) -> None:
        """Keep the newest; an old one is of no use."""
        self.smile = float(face.weights[SMILE]) if face.state != FaceBlendshapes.STATE_STALE else float("nan")


if __name__ == "__main__":
    wearers = [Wearer(int(domain), name) for domain, _, name in (word.partition(":") for word in sys.argv[1:])]
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        while wearers:
            for wearer in wearers:
                wearer.executor.spin_once(timeout_sec=0.05)
            print(", ".join(f"{wearer.name} {wearer.smile:.2f}" for wearer in wearers), flush=True)
