"""The HTTP interface: its routes and schema, uploads, single photographs, and who may talk to the server.

`app` holds the routes, `schema` what they take and give, `security` who is let in. May import `camera` and
`jobs`, which know nothing of HTTP.
"""
