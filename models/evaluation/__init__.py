"""Evaluation: predictions on labelled faces, scores, success rates, the fitted rules of
the vote, and the report.

May import `data`, `faces`, `engines`, `voting` and `statistics`; nothing of `training`.
"""
