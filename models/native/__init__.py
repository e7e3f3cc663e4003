"""Side effects of native libraries: what they log, their telemetry, how they end; and signals.

May import nothing else of the project; nothing heavy is imported here, since it comes before all else.
"""
