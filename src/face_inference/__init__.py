"""From IMU frames to 52 ARKit blendshape weights: features, models, streaming, training, evaluation. ROS only in `node`."""
