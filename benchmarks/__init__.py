"""Frames per second and latency on this machine, and what they cost in accuracy."""
