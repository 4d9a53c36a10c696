"""Parameters of the node face_affect: what a face shows, as action units, expressions, brief events and words."""

from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "enabled",
        False,
        "Publish action units, expressions, brief events and words.",
        effect="False: the node is not started with the graph.",
    ),
    ParameterSpec(
        "rate_hz",
        20.0,
        "Most action units and expressions published in a second.",
        minimum=1.0,
        maximum=200.0,
        unit="Hz",
        live=True,
        effect="Brief events are looked for in every face, whatever this is. Each message costs its publisher and each "
        "of its subscribers some 0.3 ms.",
    ),
    ParameterSpec(
        "smoothing_s",
        0.3,
        "Time over which the evidence for expressions is averaged.",
        minimum=0.0,
        maximum=10.0,
        unit="s",
        live=True,
        effect="Time constant, so the same at any rate. 0: each face by itself. Action units and events are never "
        "smoothed.",
    ),
    ParameterSpec(
        "resting",
        True,
        "Take the wearer's resting face, learned while worn, out of expressions.",
        live=True,
        effect="What a unit shows all the time, up to 0.25, then counts as this person's neutral; an expression held "
        "for minutes fades in part. Action units are published as they are.",
    ),
    ParameterSpec(
        "event_strength",
        1.0,
        "Evidence a micro-expression must have.",
        minimum=0.3,
        maximum=100.0,
        unit="of the threshold",
        live=True,
        effect="1 gives less than one false alarm a minute on simulated neutral wear; 2 is stricter. While talking "
        "there are more: docs/affect.md.",
    ),
)
