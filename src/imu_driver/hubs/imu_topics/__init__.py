"""IMUs of other drivers: any `sensor_msgs/Imu` topics, one for each sensor. ROS stays outside: bytes come."""
