"""Frames per second and latency on this machine, what they cost in accuracy, and what other ways need.

`suite` runs all of it for `emotion bench`; `live` and `page` measure what a person would see. `studies` were
run once to decide something and are not installed. May import `emotion.realtime`, `emotion.exporters` and
`emotion.models`. What it measures above them (the page, a command's first result) it starts as a process,
from outside, as a user does.
"""
