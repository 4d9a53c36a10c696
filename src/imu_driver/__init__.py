"""The hub: protocol, transports, clock, connection state, samples in SI units. ROS only in `node.py`."""
