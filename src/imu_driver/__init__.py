"""From a hub's bytes to samples in SI units, behind the seam `hub.Hub`: protocols only in `hubs`, ROS in `node`."""
