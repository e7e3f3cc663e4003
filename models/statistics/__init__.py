"""Calibration and confidence intervals: plain arithmetic on arrays.

May import nothing else of the project.
"""
