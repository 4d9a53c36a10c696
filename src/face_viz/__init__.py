"""What people look at: the web page with the live face, and markers and points for RViz and Foxglove."""
