"""The command line: one file a command, which parses, calls and prints.

`app` puts the commands together; `console` prints, `engine`, `judging` and `outputs` hold the options that
several commands share. May import everything below: `emotion.web`, the modules of `emotion`, and the rooms.
Nothing imports it but `emotion.__main__`.
"""
