"""What the nodes share of ROS: parameters, lifecycle, diagnostics, quality of service, and running a process."""
