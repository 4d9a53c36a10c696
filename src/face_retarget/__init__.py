"""The 52 weights for what others move: robot heads, VRM avatars, FLAME and SMPL-X. ROS in the node only."""
