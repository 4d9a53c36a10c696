"""Parameters of the node face_hri: face/blendshapes in, the wearer as a face and a person of ROS4HRI (REP-155) out."""

from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "enabled",
        False,
        "Publish the wearer as a face and a person of ROS4HRI (REP-155).",
        effect="Off: the node is not started. Needs hri_msgs.",
    ),
    ParameterSpec(
        "wearers",
        [""],
        "Namespaces of several wearers, relative to the node's, e.g. alice,bob.",
        effect='In YAML: ["alice", "bob"]. One empty name, [""]: only the node\'s own namespace.',
    ),
    ParameterSpec(
        "person",
        "",
        "Identifier of the person, which stays the same from run to run.",
        effect="Empty: made of the namespace, /lab/alice is lab_alice; without a namespace it is wearer, and the "
        "person is anonymous. Where wearers are named it must be empty.",
    ),
    ParameterSpec(
        "persons",
        True,
        "Publish /humans/persons.",
        effect="Off where a person manager does, such as hri_person_manager: it then gets which face is whose on "
        "/humans/candidate_matches.",
    ),
    ParameterSpec(
        "rate_hz",
        30.0,
        "Messages per second of action units, expression and frames.",
        1.0,
        200.0,
        live=True,
        unit="Hz",
        effect="Each tells of the newest face; nothing is told twice.",
    ),
    ParameterSpec(
        "lost_after_s",
        1.0,
        "Time without weights that follow the face after which the face is lost.",
        0.1,
        60.0,
        live=True,
        unit="s",
        effect="When it is back it has a new identifier; the person keeps theirs.",
    ),
    ParameterSpec(
        "parent_frame",
        "",
        "As that of face_inference: where it is named, the head has a place, and the person a frame.",
        effect="Empty: where the wearer is, nobody knows; location_confidence is 0. If a tracker of yours places "
        "face_head, give its frame here.",
    ),
    ParameterSpec(
        "merge_faces",
        [""],
        "Topics of hri_msgs/IdsList with faces that others track, which are added to /humans/faces/tracked.",
        effect="A reader takes each message on /humans/faces/tracked as all there are, so only one may publish there: "
        "remap a camera's detector to another topic, and name it here.",
    ),
)
