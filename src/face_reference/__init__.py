"""Faces measured by a phone or a webcam: received, and brought onto the sensors' clock."""
