"""Parameters of the node imu_driver: a hub on a serial port or UDP in, imu/frame and imu/states out."""

from pathlib import Path

from imusic_ros.parameters import ParameterSpec

HUB_KINDS = tuple(sorted(file.parent.name for file in (Path(__file__).parent / "hubs").glob("*/__init__.py")))
"""The folders in `hubs`, which are the keys of `imu_driver.hubs.HUBS`: read here without importing them."""

PARAMETERS = (
    ParameterSpec(
        "hub",
        "imusic_v1",
        "Kind of hub, which is the protocol it speaks.",
        choices=HUB_KINDS,
        effect="imusic_v1 is that of docs/protocol.md. slimevr: all trackers with the SlimeVR firmware that find this "
        "machine, by UDP; the layout's `unit` says which sits where (docs/hubs.md). imu_topics: sensor_msgs/Imu of "
        "other drivers, see topics (docs/ros.md).",
    ),
    ParameterSpec(
        "port",
        "/dev/ttyUSB0",
        "Serial port of the hub, e.g. /dev/ttyUSB0; auto: it is looked for on USB. Several hubs: with commas.",
        effect="Several hubs, here or in `udp`, make one face: each has some units, and one that is missing takes "
        "only its units with it. auto listens for up to 3 s to the USB ports of makers that hubs are built of; nothing "
        "is written to one that has not spoken as hubs do, but opening a port restarts some boards. Of several hubs, "
        "`hub_id` names one. A hub that was found is known again by its USB serial number. A name under "
        "/dev/serial/by-id stays the same after replugging. Unused where udp is set. A port that is not there is tried "
        "again, four times a second.",
    ),
    ParameterSpec(
        "baud",
        921600,
        "Baud rate of the serial port.",
        9600,
        12_000_000,
        unit="bit/s",
        effect="Must be the hub's; 12 sensors with quaternions at 100 Hz take 30 % of 921600. A hub with USB of its "
        "own ignores it.",
    ),
    ParameterSpec(
        "udp",
        "",
        "HOST:PORT to listen on for a hub that sends over UDP, instead of a serial port; or several, with commas.",
        effect="Empty: serial; with hub slimevr 0.0.0.0:6969, where its trackers send to. :PORT or 127.0.0.1:PORT "
        "hears this machine only; an address of this machine or 0.0.0.0 lets the network in: set key_file and "
        "hub_address then.",
    ),
    ParameterSpec(
        "hub_address",
        "",
        "Who may be the hub, UDP only: HOST:PORT, HOST:* for any port, NETWORK/BITS:*, several separated by commas; "
        "datagrams of anybody else are dropped and counted.",
        effect="Empty: the first sender of an intact HELLO is the hub until the connection is lost; set it on a "
        "network you do not trust. A hub that falls silent and says the same HELLO from another port is followed, "
        "unless its port is set. With hub slimevr: all trackers that may send, as HOST:*.",
    ),
    ParameterSpec(
        "topics",
        ["{sensor}/imu/data"],
        "Where sensor_msgs/Imu of other drivers come on, for the hub imu_topics.",
        effect="SENSOR=TOPIC for a sensor of the layout, and one topic with {sensor} in it for all others; names are "
        "relative to the node's namespace unless they begin with a slash. Axes must be those of the layout.",
    ),
    ParameterSpec(
        "key_file",
        "",
        "File with the key of the hub (`imusic key FILE` makes one, docs/security.md), mode 0600; several hubs: one "
        "for each, with commas, or one for all.",
        effect="Empty: a hub is believed as it is. Else only a hub with the same key is heard, and only what it "
        "sealed: anything else is dropped, counted by reason and told as an error. The key itself is no parameter, and "
        "is never logged or recorded.",
    ),
    ParameterSpec(
        "hub_id",
        "",
        "Name of the only hub that is used, as it calls itself.",
        effect="Empty: any. Another hub on the same port is refused, another one on the network not heard; with port "
        "auto this one is chosen. Several hubs: a name for each, with commas. The diagnostics show the names in use.",
    ),
    ParameterSpec(
        "rate_hz",
        100,
        "Samples per second asked of the hub.",
        1,
        1000,
        unit="Hz",
        effect="The hub sends its own maximum where that is lower. More costs CPU time in every node: the models are "
        "made for 100.",
    ),
    ParameterSpec(
        "layout",
        "face_12",
        "Which sensor sits where: a name in config/layouts, or the path of a .yaml file.",
    ),
    ParameterSpec(
        "frame_id",
        "",
        "Frame of the wearer's head, in the headers of all messages about this wearer.",
        effect="Empty: <namespace>/face_head, or face_head without a namespace. What is given is taken as it is; give "
        "each wearer one of their own. The sensors' frames are <namespace>/imu_<sensor>, whatever this is.",
    ),
    ParameterSpec(
        "stamp_source",
        "hub",
        "Where stamps come from.",
        choices=("hub", "arrival"),
        effect="hub: the hub's own sample time, mapped to the host's clock, free of the line's jitter. arrival: when "
        "the bytes came, for a hub whose clock cannot be trusted.",
    ),
    ParameterSpec(
        "state_folder",
        "",
        "Folder of gyroscope biases that the driver's own fusion found, where a hub sends no orientation.",
        effect="Empty: imusic in $XDG_STATE_HOME, or in ~/.local/state. A file for each hub, by its name "
        "(of hub imu_topics by the topics' names); a unit of another part begins anew. none: nothing is kept.",
    ),
)
