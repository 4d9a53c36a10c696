"""Keep a capture and get it back: record to MCAP, replay bit for bit, takes and what they are exported to."""
