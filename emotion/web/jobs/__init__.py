"""Uploaded videos: the queue, its files on disk, and the processes that annotate them.

`queue` schedules jobs, `store` keeps them over restarts, `process` is the server's side of a worker
process and `worker` the other. May import neither `http` nor `camera`.
"""
