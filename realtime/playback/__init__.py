"""Pictures shown in real time during the analysis: live sources, and videos with pause and seek.

May import `session` and all packages below it.
"""
