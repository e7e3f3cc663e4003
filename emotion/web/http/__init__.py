"""The HTTP interface: its routes and schema, uploads, single photographs, and access control.

`app` has the routes, `schema` their requests and responses, `security` the access control. May import
`camera` and `jobs`, which are independent of HTTP.
"""
