"""`emotion serve`: the page, the HTTP interface under it, and the jobs that it starts."""
