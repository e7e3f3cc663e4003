"""The processing of each frame: face detection, tracking, classification, the vote, the label.

Stages do not use threads. They communicate by `messages` and share no state. May import `messages`,
`pipeline` (its protocol) and `emotion.models`.
"""
