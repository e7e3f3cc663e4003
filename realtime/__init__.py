"""The streaming pipeline: frames in, faces found, emotions voted on, pictures and timelines out."""
