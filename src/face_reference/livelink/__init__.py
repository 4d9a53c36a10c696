"""Live Link Face: what Epic's phone app sends over UDP, as a source; its packets are `face_model.livelink_packet`."""
