"""Data sets: labelled folders and videos to aligned crops, near duplicates, training and test parts.

May import `faces` and the packages below it.
"""
