"""A phone or a webcam that watches the simulated face: what it makes of it, and how it tells."""
