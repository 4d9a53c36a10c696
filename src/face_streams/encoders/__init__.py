"""Faces to bytes, one module a protocol; no sockets and no ROS."""
