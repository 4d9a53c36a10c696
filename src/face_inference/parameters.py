"""Parameters of the node face_inference: imu/frame in, face/blendshapes out."""

from face_inference.engines import ENGINES, PRECISIONS
from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "model",
        "imusic",
        "Model: a name in any package that ships models, or the path of a model folder, with a slash in it.",
        effect="Packages that ship models register the ament resource imusic_models.",
    ),
    ParameterSpec(
        "engine",
        "auto",
        "What runs the model; auto takes the fastest that works here.",
        choices=ENGINES,
        effect="The log says which and why. onnxruntime: CPU, one thread. tensorrt, onnxruntime-cuda and "
        "onnxruntime-tensorrt: NVIDIA GPUs. One that cannot be had, or fails later, is replaced by onnxruntime. "
        "TensorRT may build for minutes when the node is configured for the first time.",
    ),
    ParameterSpec(
        "precision",
        "auto",
        "What the engine computes in, where it knows several.",
        choices=PRECISIONS,
        effect="Only tensorrt knows float16, and takes it by itself.",
    ),
    ParameterSpec(
        "wearers",
        [""],
        "Namespaces of several wearers, relative to the node's, e.g. alice,bob.",
        effect='Their faces are computed in one batch. In YAML: ["alice", "bob"]. Each has the topics, services and '
        "action that a node of its own in that namespace would have; one that is silent or faulty delays no other. "
        'One empty name, [""]: only the node\'s own namespace.',
    ),
    ParameterSpec(
        "wearer",
        "",
        "Who wears the sensors: a profile that `imusic wearer routine NAME` made.",
        effect="It is used from the start. Empty: an unknown wearer, which is less accurate. Where wearers are named "
        "this must be empty: each uses the profile of their own name, if there is one.",
    ),
    ParameterSpec(
        "learn_while_worn",
        True,
        "Whether what a routine or a profile tells of the wearer grows from their everyday motion, without labels.",
        live=True,
        effect="Every 20 s of motion it learns for a fifth of a second beside the frames, and keeps what makes the "
        "next 20 s more likely. Set to false it learns no more; what it learned stays; the service forget_worn takes "
        "it back. A replay does as was done when it was recorded.",
    ),
    ParameterSpec(
        "replay",
        False,
        "Frames are those of a recording: every one is computed, at whatever speed, and nothing depends on a clock.",
        effect="imu/frame is then read and face/blendshapes published reliably, so that whoever plays can wait for "
        "each face; no face is faded because its frame is old or none came; ages are 0; and the service restore takes "
        "a snapshot of face/snapshot over, after which the recorded faces come out bit for bit.",
    ),
    ParameterSpec(
        "resume_folder",
        "",
        "Folder of what is known of each wearer now, from which a process goes on that takes a killed one's place.",
        effect="Neutral, headings, mountings and what wear taught; every 5 s, and when something is learned. It is "
        "taken over within 60 s, by a node of the same name with the same model and wearer; a process that ends in "
        "order leaves nothing. Empty: imusic in $XDG_RUNTIME_DIR, else in $XDG_STATE_HOME or ~/.local/state. none: "
        "nothing is kept.",
    ),
    ParameterSpec(
        "parent_frame",
        "",
        "Parent of the wearer's head on /tf: a frame of the robot, map, or a tracker's. Empty: no transform.",
        effect="Its z axis must point up. The head turns in it and stays at its origin; heading zero is where the "
        "wearer looked while the neutral was learned, and drifts. {wearer} stands for the wearer's namespace. Needs "
        "tf2_msgs.",
    ),
    ParameterSpec(
        "neutral_duration_s",
        2.0,
        "Samples of a relaxed, still face that make one neutral.",
        0.5,
        30.0,
        unit="s",
        effect="Also the default of the service calibrate_neutral.",
    ),
    ParameterSpec(
        "still_skull_rad_s",
        0.1,
        "RMS turning rate of the skull up to which the wearer counts as still.",
        0.005,
        2.0,
        live=True,
        unit="rad/s",
        effect="Larger accepts a moving head and gives a worse neutral.",
    ),
    ParameterSpec(
        "still_face_rad_s",
        0.15,
        "RMS turning rate of the skin relative to the skull up to which the face counts as relaxed.",
        0.005,
        2.0,
        live=True,
        unit="rad/s",
        effect="Above, the wearer is talking or making faces.",
    ),
    ParameterSpec(
        "neutral_patience_s",
        15.0,
        "Time after which the first neutral is taken from the stillest window, if the wearer was never still.",
        1.0,
        600.0,
        live=True,
        unit="s",
        effect="At the start only, when there is no older neutral.",
    ),
    ParameterSpec(
        "max_gap_s",
        0.25,
        "Longest gap between samples that is filled; after a longer one the network starts anew.",
        0.02,
        2.0,
        unit="s",
    ),
    ParameterSpec(
        "stale_after_s",
        0.1,
        "Time without input after which confidence starts to fall and the state is stale.",
        0.02,
        5.0,
        live=True,
        unit="s",
    ),
    ParameterSpec(
        "neutral_after_s",
        1.0,
        "Time without input after which weights start to fall to neutral.",
        0.05,
        60.0,
        live=True,
        unit="s",
        effect="Diagnostics then say ERROR.",
    ),
    ParameterSpec(
        "fade_s",
        0.5,
        "Time that the fall of confidence, and of weights, takes.",
        0.0,
        10.0,
        live=True,
        unit="s",
    ),
)
