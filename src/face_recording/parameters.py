"""Parameters of the node recorder: it writes what a replay needs into rosbag2 folders (MCAP), when it is asked to."""

from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "takes",
        "",
        "Folder that takes are written to; empty: $IMUSIC_TAKES, else ~/imusic_takes.",
        effect="It is made where it does not exist, readable by its owner only.",
    ),
    ParameterSpec(
        "record",
        False,
        "Record at once, as soon as something is published.",
        effect="Otherwise recorder/start begins, and recorder/stop ends in either case.",
    ),
    ParameterSpec("take", "", "Name of the take that begins at once.", effect="With `record` only."),
    ParameterSpec(
        "namespaces",
        [""],
        "Namespaces of the wearers that are recorded into one bag; empty: the node's own.",
        effect="Absolute, such as /alice,/bob.",
    ),
    ParameterSpec(
        "topics",
        [
            "imu/bytes",
            "imu/snapshot",
            "imu/frame",
            "imu/layout",
            "imu/states",
            "face/blendshapes",
            "face/snapshot",
            "face/head",
            "face/prompt",
            "face/tap",
            "face/reference",
            "/diagnostics",
            "/rosout",
            "/tf",
            "/tf_static",
        ],
        "What is recorded: names relative to each wearer's namespace, or absolute.",
        effect="A replay needs the first seven; imu/bytes and imu/snapshot of them where it shall begin with the hub's "
        "bytes. Topics of other types are recorded where their types are installed.",
    ),
    ParameterSpec(
        "split_mb",
        2000,
        "A new file of the bag is begun after so much; 0: never.",
        0,
        1_000_000,
        unit="MB",
        effect="Latched topics stand in each file; snapshots come again within ten seconds.",
    ),
    ParameterSpec(
        "split_s",
        0.0,
        "A new file of the bag is begun after so long; 0: never.",
        0.0,
        86400.0,
        unit="s",
    ),
    ParameterSpec(
        "disk_reserve_mb",
        500,
        "Room that is left on the disk: a recording ends before it takes that.",
        0,
        10_000_000,
        unit="MB",
    ),
    ParameterSpec(
        "disk_warning_min",
        10.0,
        "Diagnostics warn when the disk lasts for less than this.",
        0.0,
        100_000.0,
        live=True,
        unit="min",
    ),
)
