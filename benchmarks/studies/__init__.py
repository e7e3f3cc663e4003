"""Studies that were run once to decide something; the documents quote their figures. Not installed.

May import what `emotion.benchmarks` may; nothing imports them.
"""
