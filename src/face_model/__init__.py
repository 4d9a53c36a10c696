"""Vocabulary shared by all rooms: blendshapes, sensor layouts, face rigs, rotations, recordings. No ROS, no torch."""
