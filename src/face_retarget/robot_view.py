"""What RViz shows of a robot head, for its URDF and for the namespace of a wearer."""

from __future__ import annotations

from xml.etree import ElementTree

from face_model.share import share_dir
from face_retarget.errors import RetargetError


def root_link(urdf: str) -> str:
    """The link that hangs on no joint.

    Raises:
        RetargetError: it is no URDF, or not one tree.
    """
    try:
        tree = ElementTree.fromstring(urdf)
    except ElementTree.ParseError as error:
        raise RetargetError(f"expected a URDF, found: {error}; correct it") from error
    hung = {child.get("link") for joint in tree.iter("joint") for child in joint.findall("child")}
    roots = [name for link in tree.findall("link") if (name := link.get("name")) and name not in hung]
    if len(roots) != 1:
        raise RetargetError(f"expected one link that hangs on no joint, found {', '.join(roots) or 'none'}; correct it")
    return roots[0]


def robot_view(urdf: str, namespace: str = "") -> str:
    """The text of `rviz/robot_head.rviz` for a robot and a wearer.

    Raises:
        RetargetError: as of `root_link`, or the package is not installed whole.
    """
    path = share_dir() / "rviz" / "robot_head.rviz"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RetargetError(f"expected {path}, found: {error.strerror}; install the package again") from error
    place = namespace.strip("/")
    base = f"{place}/{root_link(urdf)}" if place else root_link(urdf)
    text = text.replace("head_base", base)
    if place:
        text = text.replace("/robot_description", f"/{place}/robot_description").replace(
            'TF Prefix: ""', f"TF Prefix: {place}"
        )
    return text
