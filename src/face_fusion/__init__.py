"""One face from several sources: the sensors on the skin, a camera, a voice."""
