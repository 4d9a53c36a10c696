"""Trackers with the open SlimeVR firmware, by UDP: each of them is one sender with one or several IMUs."""
