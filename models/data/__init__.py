"""Data sets: labelled folders and videos to aligned crops, near duplicates, splits."""
