"""Many videos as one study: annotated in parallel on all cores, with tables and a page of all.

`planned_run` does all of it. `plan` selects the videos, `pool` annotates them in worker processes (`worker`),
or `in_process` in this one, `outcome` holds the outcome of each, `tables` (with `columns`), `course` and
`page` present all of them, `study_files` writes the files, and `shards` merges parts from several machines.
May import `emotion.videos` and the packages below it; the command line imports it.
"""
