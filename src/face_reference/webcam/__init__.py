"""Any webcam, or a video file, through MediaPipe's face landmarker: in a process of its own."""
