"""From IMU frames to 52 ARKit blendshape weights: features, model, streaming, training. ROS only in `node`."""
