"""Side effects of native libraries: what they log, their telemetry, how they end.

May import nothing else of the project; nothing heavy is imported here, since it comes before all else.
"""
