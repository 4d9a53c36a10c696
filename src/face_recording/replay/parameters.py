"""Parameters of the node player: a recording in, its topics and /clock out."""

from imusic_ros.parameters import ParameterSpec

LEVELS = ("auto", "weights", "frames", "bytes")

PARAMETERS = (
    ParameterSpec(
        "file",
        "",
        "Recording: a take's name, `last`, the folder of a bag, or one .mcap or .db3 file of it.",
        effect="Also one without metadata.yaml, or whose recorder was killed; compressed or split.",
    ),
    ParameterSpec(
        "recorded",
        "",
        "Namespace that the wearer had when it was recorded; / is the root. Empty: the only one of the recording.",
        effect="Topics are published in the namespace of the node, whatever it was.",
    ),
    ParameterSpec(
        "level",
        "auto",
        "What is played; the rest is computed again.",
        choices=LEVELS,
        effect="weights: what was published. frames: samples, of which inference computes the faces. bytes: what came "
        "from the hub, of which driver and inference compute everything. auto: frames, or weights where the recording "
        "has no frames.",
    ),
    ParameterSpec(
        "speed",
        1.0,
        "Seconds of the recording in a second; 0: as fast as possible.",
        0.0,
        20.0,
        live=True,
        unit="times",
        effect="From 0.1. The service player/set_rate changes it as well.",
    ),
    ParameterSpec("start", 0.0, "Where to begin, from the first face on.", 0.0, 1e6, unit="s"),
    ParameterSpec("duration", 0.0, "How much is played; 0: to the end.", 0.0, 1e6, unit="s"),
    ParameterSpec("loop", False, "Begin again at the end."),
    ParameterSpec("paused", False, "Stand still at the beginning until somebody asks for more."),
    ParameterSpec(
        "check",
        False,
        "Compare the faces that are computed again with the recorded ones, bit for bit.",
        effect="Counts are on player/status. With finish the program's exit status is 1 if one differs or is missing.",
    ),
    ParameterSpec(
        "affect",
        False,
        "The node face_affect runs beside: what it published is not played, because it computes it again.",
        effect="At other levels than weights it is not played in any case.",
    ),
    ParameterSpec(
        "fusion",
        False,
        "The node face_fusion runs beside: what it published is not played, because it computes it again.",
        effect="At other levels than weights it is not played in any case.",
    ),
    ParameterSpec(
        "finish",
        False,
        "End the program at the end of the recording.",
        effect="Exit status 1 where the replay failed, or the check did.",
    ),
)
