"""Many videos as one study: annotated in parallel on all cores, with tables and a page of all.

`planned_run` does all of it. `plan` says which videos, `pool` lets processes (`worker`) annotate them, or
`in_process` this one, `outcome` keeps how each ended, `tables` (by `columns`), `course` and `page` tell of
all of them, `study_files` writes it down, and `shards` merges what several machines did. May import
`emotion.videos` and what lies below it; the command line imports it.
"""
