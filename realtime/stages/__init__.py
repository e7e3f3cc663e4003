"""What is done to each frame: faces found, tracked and classified, the vote, the label.

A stage knows no threads. Stages meet in `messages` and share no state. May import `messages`,
`pipeline` (its protocol) and `emotion.models`.
"""
