"""Metrics of a run: counts and times of each stage, histograms, and Prometheus.

May import nothing else of the project except its errors.
"""
