"""Quality of service of this package's topics."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

SENSOR_DATA = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=5,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
"""How `imu/frame`, `imu/<sensor>/data` and `face/blendshapes` are listened to: a slow subscriber loses old samples and
delays nobody."""

SAMPLES = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=2000, reliability=ReliabilityPolicy.RELIABLE)
"""How `imu/frame` and `face/blendshapes` are published: who asks for best effort gets just that; a recorder, which asks
for all, gets again what was lost on the way, of the last ten seconds at 200 Hz. Publishers wait for nobody."""

LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""`imu/layout`, `imu/states`: whoever subscribes late still gets the last message."""

RELIABLE = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=2, reliability=ReliabilityPolicy.RELIABLE)
"""`face/markers` and `face/points`: RViz and Foxglove ask for reliable topics by default."""

SNAPSHOTS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=10,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""`imu/snapshot` and `face/snapshot`: a recorder that subscribes late gets those of the last minute."""

REPLAYED = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=2000, reliability=ReliabilityPolicy.RELIABLE)
"""What goes into and comes out of a node that replays: nothing is lost on the way."""

EVENTS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=50, reliability=ReliabilityPolicy.RELIABLE)
"""`face/tap`: few messages, each of which counts."""
