"""The command line: one file a command, which parses, calls and prints.

`app` puts the commands together, `parameters` makes their flags of options, `console` prints; `network` and
`places` serve several commands. May import everything below: `emotion.web`, the modules of `emotion`, and the
packages. Nothing imports it but `emotion.__main__`.
"""
