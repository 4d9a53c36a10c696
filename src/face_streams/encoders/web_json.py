"""The JSON of the WebSocket stream: texts that any language reads; docs/streams.md describes them."""

from __future__ import annotations

import json

from face_model import arkit
from face_model.version import version
from face_streams.face import StreamFace

FORMAT = 1
"""Goes up where a reader of the former one would misread; new fields may come at any time."""

_SHAPES = "{" + ",".join(f'"{name}":%.4f' for name in arkit.BLENDSHAPES) + "}"
_FACE = (
    '{"type":"face","format":' + str(FORMAT) + ',"sequence":%d,"time":%.6f,"state":"%s","tracked":%s,"weights":'
    f'{_SHAPES},"confidence":{_SHAPES},"raw":{_SHAPES},"head":%s}}'
)


def hello(mapping: str) -> str:
    """What a client is told first."""
    told = {
        "type": "hello",
        "format": FORMAT,
        "program": f"imusic {version()}",
        "names": list(arkit.BLENDSHAPES),
        "mapping": mapping,
    }
    return json.dumps(told)


class JsonEncoder:
    """One text a face."""

    def __call__(self, face: StreamFace) -> list[bytes]:
        """The face as JSON in UTF-8."""
        raw = face.raw
        head = "null" if face.head is None else "[{:.5f},{:.5f},{:.5f},{:.5f}]".format(*face.head)
        text = _FACE % (
            raw.sequence,
            raw.time_s,
            raw.state,
            "true" if face.is_tracked else "false",
            *face.weights.tolist(),
            *raw.confidence.tolist(),
            *raw.weights.tolist(),
            head,
        )
        return [text.encode()]
