"""Parameters of the node face_reference: a phone's or a webcam's face in, face/reference out."""

from imusic_ros.parameters import ParameterSpec

SOURCES = ("none", "livelink", "vmc", "webcam", "simulated")

PARAMETERS = (
    ParameterSpec(
        "source",
        "none",
        "What else sees the wearer's face.",
        choices=SOURCES,
        effect="none: the node is not started. livelink: Epic's Live Link Face on an iPhone. vmc: apps that send ARKit "
        "weights over OSC. webcam: MediaPipe. simulated: the phone of the simulated hub. docs/reference.md says how "
        "good each is.",
    ),
    ParameterSpec(
        "listen",
        "",
        "HOST:PORT to listen on, for livelink, vmc and simulated.",
        effect="Empty: 127.0.0.1 with the usual port, 11111 for livelink, 39539 for vmc: this machine only. A phone "
        "needs 0.0.0.0:11111, or this machine's address in its network; set `senders` where you do not trust that "
        "network.",
    ),
    ParameterSpec(
        "senders",
        [""],
        "Addresses that may send, as 192.168.1.7 or 192.168.1.0/24.",
        effect="Datagrams of others are dropped and counted. None given: whoever reaches the address listened on.",
    ),
    ParameterSpec(
        "phone",
        "",
        "Device id or subject name of the phone to follow, livelink only.",
        effect="Empty: the first one heard, until it is silent for 3 s.",
    ),
    ParameterSpec(
        "camera",
        "0",
        "Camera of the webcam source: its number, its device, or a video file, which is repeated.",
    ),
    ParameterSpec(
        "landmarker",
        "",
        "Path of MediaPipe's face_landmarker.task, webcam only.",
        effect="Empty: $IMUSIC_LANDMARKER, else ~/.local/share/imusic/face_landmarker.task.",
    ),
    ParameterSpec(
        "frame_id",
        "",
        "Frame of the wearer's head, in the header of face/reference.",
        effect="Empty: <namespace>/face_head, or face_head without a namespace. What is given is taken as it is.",
    ),
)
