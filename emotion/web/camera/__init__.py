"""Cameras over WebRTC."""
