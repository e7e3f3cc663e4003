"""Many machines, with Ray (the extra ``[cluster]``): distribution of tasks, and recovery from failures.

`connection` connects to a cluster or starts one on this machine, `slots` computes the number of parallel
tasks, `actor` runs them, `scheduler` distributes tasks and handles failures, `pool` annotates
the videos of a study in place of `emotion.study.pool`, and `calls` calls a function.
Only `connection` and `scheduler` use Ray. May import `emotion.study` and the packages below it.
"""
