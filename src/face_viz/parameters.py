"""Parameters of the node face_viz: the web page with the live face, and markers and points for RViz and Foxglove."""

from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "face",
        "head",
        "Face: head, the one that comes with the package, or the path of a rig with ARKit shapes.",
        effect="A rig is a .glb, .vrm, .gltf or .npz file, or a folder of .obj files. `imusic rig check FILE` says "
        "whether it can be used.",
    ),
    ParameterSpec(
        "page",
        True,
        "Serve the web page.",
        effect="Off where only RViz or Foxglove is used.",
    ),
    ParameterSpec(
        "host",
        "127.0.0.1",
        "Address the page is served on; 127.0.0.1 is reached from this machine only.",
        effect="0.0.0.0: from every network this machine is in, without a password; the node then warns. To look from "
        "elsewhere, an SSH tunnel is safer: ssh -L 8080:127.0.0.1:8080 robot",
    ),
    ParameterSpec(
        "port",
        8080,
        "TCP port of the web page; 0 takes the first free one from 8080 up.",
        0,
        65535,
        effect="The address is in the log and in diagnostics.",
    ),
    ParameterSpec(
        "draw_rate_hz",
        30.0,
        "Frames per second sent to each viewer of the page.",
        1.0,
        60.0,
        live=True,
        unit="Hz",
        effect="A frame is about 0.7 kB. Faces in between are not drawn; a slow viewer skips frames and delays nobody.",
    ),
    ParameterSpec(
        "marker_rate_hz",
        20.0,
        "Messages per second on face/markers and face/points.",
        1.0,
        60.0,
        live=True,
        unit="Hz",
        effect="Only while somebody subscribes.",
    ),
    ParameterSpec(
        "markers",
        "mesh",
        "What face/markers shows beside sensors and state: mesh, a still neutral head, or triangles, the moving face.",
        choices=("mesh", "triangles"),
        live=True,
        effect="mesh names a file that the viewer reads once: 4 kB a message. triangles sends every corner with its "
        "colour: 1.5 MB a message, 30 MB/s at 20 Hz. face/points moves for 57 kB.",
    ),
    ParameterSpec(
        "sensor_frames",
        True,
        "Publish the sensors' frames on /tf_static, <namespace>/imu_<sensor>, where they sit on the neutral face.",
        effect="Off where somebody else does. The skin, and a board on it, moves by millimetres about this place. "
        "Needs tf2_msgs.",
    ),
    ParameterSpec(
        "show_sensors",
        True,
        "Show the sensor boards on the page.",
        live=True,
        effect="Each viewer can switch them on and off; a change of this parameter sets all open pages.",
    ),
    ParameterSpec(
        "turn_head",
        True,
        "Let the wearer's head orientation turn the head on the page.",
        live=True,
        effect="Each viewer can switch that on and off; a change of this parameter sets all open pages.",
    ),
    ParameterSpec(
        "controls",
        True,
        "Let viewers of the page do more than look: calibrate, guide the wearer, use a profile, identify, record, lead "
        "a replay, work on takes.",
        effect="Off for a page that strangers can open: it then shows the same, without buttons.",
    ),
    ParameterSpec(
        "calibrate_service",
        "face_inference/calibrate_neutral",
        "Service behind the page's button that calibrates the neutral, relative to the node's namespace.",
        effect="Its type is imusic/srv/CalibrateNeutral. Empty: no button.",
    ),
)
