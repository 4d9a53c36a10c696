"""The topics of a capture: their types and how they are published, known before anybody publishes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class TopicKind:
    """How a topic is published.

    Attributes:
        type: of its messages.
        reliable: whether publishers repeat what was lost.
        latched: whether late subscribers get the last messages (transient local).
        depth: how many messages wait for the recorder when it is held up.
        repeats: how many of the last messages begin a new file of a bag; 0: none.
    """

    type: str
    reliable: bool = False
    latched: bool = False
    depth: int = 2000
    repeats: int = 0


SNAPSHOT = "imusic/msg/Snapshot"
FACE = "imusic/msg/FaceBlendshapes"
FACES_NAME = "face/blendshapes"
SNAPSHOTS = ("imu/snapshot", "face/snapshot")

KINDS = {
    "imu/bytes": TopicKind("imusic/msg/HubBytes", reliable=True),
    # Not repeated: a replay goes back to what a snapshot knows. They come every ten seconds.
    "imu/snapshot": TopicKind(SNAPSHOT, reliable=True, latched=True, depth=10),
    "face/snapshot": TopicKind(SNAPSHOT, reliable=True, latched=True, depth=10),
    "imu/frame": TopicKind("imusic/msg/ImuFrame", reliable=True),
    "imu/layout": TopicKind("imusic/msg/SensorLayout", reliable=True, latched=True, depth=10, repeats=1),
    "imu/states": TopicKind("imusic/msg/SensorStates", reliable=True, latched=True, depth=100, repeats=1),
    FACES_NAME: TopicKind(FACE, reliable=True),
    "face/head": TopicKind("sensor_msgs/msg/Imu", reliable=True),
    "face/prompt": TopicKind("imusic/msg/WearerPrompt", reliable=True, latched=True, depth=100, repeats=1),
    "face/tap": TopicKind("imusic/msg/Tap", reliable=True),
    "face/reference": TopicKind("imusic/msg/FaceReference"),
    "face/fused": TopicKind(FACE, reliable=True),
    "face/fused_shares": TopicKind("imusic/msg/FusedShares"),
    "face/action_units": TopicKind("imusic/msg/ActionUnits"),
    "face/expression": TopicKind("imusic/msg/Expression"),
    "face/events": TopicKind("imusic/msg/FacialEvent", reliable=True),
    "face/explanation": TopicKind("imusic/msg/Explanation", reliable=True),
    "/diagnostics": TopicKind("diagnostic_msgs/msg/DiagnosticArray", reliable=True, depth=1000),
    "/rosout": TopicKind("rcl_interfaces/msg/Log", reliable=True, depth=1000),
    "/tf": TopicKind("tf2_msgs/msg/TFMessage", reliable=True, depth=1000),
    "/tf_static": TopicKind("tf2_msgs/msg/TFMessage", reliable=True, latched=True, depth=100, repeats=50),
}
"""By name, relative to a wearer's namespace or absolute."""
FROM_FACES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "affect": ("face/action_units", "face/expression", "face/events", "face/explanation"),
        "fusion": ("face/fused", "face/fused_shares"),
    }
)
"""What is computed from faces, by the argument with which a graph starts the node that does it."""
FACES = ("imu/bytes", "imu/frame", FACES_NAME)
"""Without one of these nothing of a face is recorded."""
OTHERS_DEPTH = 1000


def kinds(topics: Iterable[str], namespaces: Sequence[str]) -> dict[str, TopicKind | None]:
    """How each topic is published, by absolute name; None where that is not known.

    Args:
        topics: relative or absolute names.
        namespaces: of the wearers, absolute.
    """
    found: dict[str, TopicKind | None] = {}
    for topic in topics:
        if topic.startswith("/"):
            found[topic] = KINDS.get(topic)
        elif topic:
            found |= {absolute(namespace, topic): KINDS.get(topic) for namespace in namespaces}
    return found


def numbers_samples(name: str, type_name: str) -> bool:
    """Whether messages of a topic are faces that have the numbers of their samples, one for each.

    A fused face has one for each picture, too.
    """
    return type_name == FACE and f"/{name.lstrip('/')}".endswith(f"/{FACES_NAME}")


def absolute(namespace: str, name: str) -> str:
    """A relative name in an absolute namespace."""
    return "/" + "/".join(part for part in f"{namespace}/{name}".split("/") if part)


NOTHING_PUBLISHED = "expected a face to record"


def nothing_published(namespaces: Sequence[str]) -> str:
    """What is wrong where no topic of `FACES` is published, and what to do; begins with `NOTHING_PUBLISHED`."""
    return (
        f"{NOTHING_PUBLISHED} in {', '.join(namespaces)}, found nobody who publishes imu/frame or face/blendshapes "
        "there; start `imusic capture` or `imusic demo`, with the same --namespace"
    )
