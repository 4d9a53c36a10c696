"""Parameters of the node face_streams: face/blendshapes in, streams for animation tools, avatars and web pages out."""

from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "streams",
        "",
        "Where the face is sent: addresses such as vmc://127.0.0.1:39539, separated by spaces.",
        effect="Empty: the node is not started. livelink: Live Link Face (Unreal, 11111). vmc: VMC protocol (VTuber "
        "tools, 39539). osc: Unified Expressions for VRChat's avatars (9000). ws: JSON over a WebSocket that listens "
        "(8765). Host and port may be left out: this machine, the usual port. Behind ? and joined by & stand options: "
        "rate, mapping, and such of one protocol; docs/streams.md lists them.",
    ),
    ParameterSpec(
        "mapping",
        "plain",
        "Gains, offsets, clamps, remaps and smoothing of the weights: a preset or a YAML file.",
        effect="plain, vtuber or metahuman, or the path of a file. An address can name its own by mapping=NAME.",
    ),
)
