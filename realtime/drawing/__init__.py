"""Results on a picture: layout, panels, the overlay, anonymised faces, and the window that shows it.

May import `messages`, `errors`, `child_process` and `emotion.models`.
"""
