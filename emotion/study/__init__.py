"""Many videos as one study: annotated in parallel on all cores, with tables and a page of all.

`together` does all of it. `plan` says which videos, `pool` lets processes (`worker`) annotate them, or `here`
this one, `outcome` keeps how each ended,
`tables` (by `columns`), `course` and `page` tell of all of them, `whole` writes it down, and `shards` puts
together what several machines did. May import `emotion.videos` and what lies below it; the command line
imports it.
"""
