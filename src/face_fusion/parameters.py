"""Parameters of the node face_fusion: sensors, camera and voice in, one face on face/fused out."""

from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "enabled",
        False,
        "Publish one face from the sensors and what else sees it.",
        effect="Off: the node is not started.",
    ),
    ParameterSpec(
        "ease",
        0.4,
        "Time in which a source's share goes from nothing to all, or back.",
        unit="s",
        minimum=0.05,
        maximum=5.0,
        effect="Shorter follows a camera that comes back sooner; the largest change that a hand-over adds to a weight "
        "in a sample grows with it.",
    ),
    ParameterSpec(
        "camera_rest_error",
        0.05,
        "Standard deviation of the camera's weights at rest, where it tells no confidence.",
        unit="in weights",
        minimum=0.01,
        maximum=0.5,
        effect="0.05 suits a phone, 0.07 a webcam (guesses: nobody publishes them). Larger gives the sensors more.",
    ),
    ParameterSpec(
        "camera_gain_error",
        0.2,
        "Standard deviation of the camera's weights as a share of them, where it tells no confidence.",
        unit="of the weight",
        minimum=0.0,
        maximum=1.0,
        effect="0.2 suits a phone, 0.35 a webcam (guesses).",
    ),
    ParameterSpec(
        "camera_lag",
        0.06,
        "From the face to the stamps of the camera's pictures, to begin with.",
        unit="s",
        minimum=0.0,
        maximum=0.3,
    ),
    ParameterSpec(
        "find_lag",
        True,
        "Estimate the camera's lag from what the face does.",
        effect="Off: it stays `camera_lag`.",
    ),
    ParameterSpec(
        "patience",
        0.6,
        "A picture that is older has no share.",
        unit="s",
        minimum=0.1,
        maximum=5.0,
    ),
    ParameterSpec(
        "frame_id",
        "",
        "Frame of the wearer's head, in the header of face/fused where only a camera makes the face.",
        effect="Empty: <namespace>/face_head, or face_head without a namespace. What is given is taken as it is.",
    ),
)
