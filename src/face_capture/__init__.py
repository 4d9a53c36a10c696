"""From a port to faces in Python, without ROS: `open_capture` and what it gives."""

from face_capture.errors import CalibrationError, CaptureError, NoSamplesError, SourceError
from face_capture.face import Face, ShapeValues
from face_capture.face_capture import CaptureDiagnostics, FaceCapture, open_capture

__all__ = [
    "CalibrationError",
    "CaptureDiagnostics",
    "CaptureError",
    "Face",
    "FaceCapture",
    "NoSamplesError",
    "ShapeValues",
    "SourceError",
    "open_capture",
]
