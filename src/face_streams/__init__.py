"""Streams out: the face as animation tools, avatars and web pages read it."""
