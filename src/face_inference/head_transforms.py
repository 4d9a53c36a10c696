"""The wearers' heads on `/tf`, under a frame that the user names: only they know what the head is fixed to."""

from __future__ import annotations

from collections.abc import Sequence

from geometry_msgs.msg import TransformStamped
from std_msgs.msg import Header

from face_model.frames import checked_frame
from imusic_ros.transforms import transform

WEARER = "{wearer}"
"""In the parent's name: the wearer's namespace."""


def parent_of(pattern: str, namespace: str) -> str:
    """Parent of a wearer's head; empty where there is none.

    Args:
        pattern: as the parameter `parent_frame` has it.
        namespace: of the wearer, absolute.

    Raises:
        ValueError: it is no name of a frame.
    """
    return checked_frame(pattern.replace(WEARER, namespace.strip("/")).lstrip("/")) if pattern else ""


class HeadTransform:
    """The transform of one wearer's head, from one face to the next.

    Args:
        parent: its frame.

    Attributes:
        problem: why none was made of the newest face; empty if one was, or if it was of the same moment.
    """

    def __init__(self, parent: str) -> None:
        self._parent = parent
        self._stamp = (-1, 0)
        self.problem = ""

    def of(self, header: Header, orientation: Sequence[float]) -> TransformStamped | None:
        """The transform of a face.

        None for the moment of the one before, which tf2 would call repeated, and for a head that cannot be in the tree.

        Args:
            header: of the face; its frame is the head.
            orientation: (4,) `FaceEstimate.head_orientation`.
        """
        self.problem = ""
        stamp = (header.stamp.sec, header.stamp.nanosec)
        if stamp == self._stamp:
            return None
        child = header.frame_id
        try:
            if checked_frame(child) == self._parent:
                raise ValueError(f"expected a head in another frame than its parent {self._parent}; change one of them")
        except ValueError as error:
            self.problem = f"no transform of the head: {error}"
            return None
        self._stamp = stamp
        return transform(Header(stamp=header.stamp, frame_id=self._parent), child, (0.0, 0.0, 0.0), orientation)
