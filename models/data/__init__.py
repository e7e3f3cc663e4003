"""Data sets: labelled folders and videos to aligned crops, near duplicates, parts for training and test.

May import `faces` and what lies below it.
"""
