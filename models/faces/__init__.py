"""Faces in a picture: detector and landmarks by MediaPipe or its nets in ONNX Runtime, hidden regions.

The only package that imports MediaPipe. May import `engines`, `manifest` and `regions`.
"""
