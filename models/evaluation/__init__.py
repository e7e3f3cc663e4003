"""How often models are right: predictions on labelled faces, scores, fitted rules, the report."""
