"""`emotion serve`: a page for cameras and videos in a browser, and the HTTP interface under it.

`server` starts it with the `options`; `http` handles requests, `camera` WebRTC, `jobs` annotates videos in
worker processes within `limits`, `static` has the browser's files, and `analysis` is shared by cameras and
photographs. The only package that may import FastAPI, uvicorn and aiortc; it may also import
`emotion.videos`, `emotion.realtime` and `emotion.models`.
"""
