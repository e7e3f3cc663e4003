"""Calibration and confidence intervals: plain arithmetic on arrays."""
