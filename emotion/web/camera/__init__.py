"""A browser's camera over WebRTC: pictures in as soon as they have arrived, results out on a data channel.

May import `emotion.web.analysis`, `emotion.realtime` and `emotion.models`; neither `http` nor `jobs`.
"""
