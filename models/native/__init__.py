"""Native libraries kept in check: what they log, what they would tell their makers, how they end.

May import nothing else of the project; nothing heavy is imported here, since it comes before all else.
"""
