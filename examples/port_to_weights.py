"""From a hub's port to weights by name, without ROS. After `pip install .`, with no hub at hand:

python examples/port_to_weights.py simulated
"""

import sys
from contextlib import suppress

from face_capture import open_capture

source = sys.argv[1] if len(sys.argv) > 1 else "/dev/ttyUSB0"

# Ctrl-C ends it.
with suppress(KeyboardInterrupt), open_capture(source) as capture:
    for face in capture:
        shape, weight = max(face.weights.items(), key=lambda item: item[1])
        sure, late_ms = face.confidence[shape], 1e3 * face.latency_s
        print(f"{face.state.name} {shape} {weight:.2f} (confidence {sure:.2f}, {late_ms:.1f} ms)", flush=True)
