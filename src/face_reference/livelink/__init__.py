"""Live Link Face: what Epic's phone app sends over UDP, decoded and encoded."""
