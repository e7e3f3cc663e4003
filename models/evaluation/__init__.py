"""How often models are right: predictions on labelled faces, scores, success rates, the fitted rules of
the vote, and the report that shows them.

May import `data`, `faces`, `engines`, `voting` and `statistics`; nothing of `training`.
"""
