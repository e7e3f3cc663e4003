"""The HTTP interface: routes, schema, uploads, who may talk to the server."""
