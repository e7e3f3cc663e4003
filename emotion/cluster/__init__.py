"""Many machines, with Ray (the extra ``[cluster]``): distribution of tasks, and recovery from failures.

`connection` finds a cluster or starts one of this machine alone, `slots` says how many places for work fit
into it, `actor` is what runs in each, `scheduler` hands out tasks and copes with what dies, `pool` lets it
annotate the videos of a study in the place of `emotion.study.pool`, and `calls` lets it call a function.
Nothing but `connection` and `scheduler` knows Ray. May import `emotion.study` and what lies below it.
"""
