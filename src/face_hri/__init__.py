"""The wearer as a face and a person of ROS4HRI (REP-155): identifiers, appearance and loss, action units, frames."""
