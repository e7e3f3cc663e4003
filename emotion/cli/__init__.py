"""The command line: one file per command, which parses, calls and prints.

`app` combines the commands, `parameters` makes their flags from options, `console` prints; `network` and
`places` are shared by several commands. May import everything below: `emotion.web`, the modules of `emotion`,
and the packages. Only `emotion.__main__` imports it.
"""
