"""Faces measured by something else than our sensors, a phone or a webcam: received, and brought onto the sensors' clock."""
