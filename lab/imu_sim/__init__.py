"""A moving face to IMU signals to hub bytes, with faults on demand. No ROS; physics only, no inference."""
