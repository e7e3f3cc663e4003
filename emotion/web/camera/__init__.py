"""A browser's camera over WebRTC: pictures in as soon as they have arrived, results out on a data channel.

May import what analyses a picture, `emotion.realtime` and `emotion.models`; of the rest of `emotion.web`
the sizes of pictures that a server takes.
"""
