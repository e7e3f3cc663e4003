"""`emotion serve`: a page for cameras and videos in a browser, and the HTTP interface under it.

`server` starts it with the `options`; `http` answers, `camera` speaks WebRTC, `jobs` annotates videos in
processes of their own within `limits`, `static` is what the browser loads, and `analysis` what a camera and
photographs share. The only room that may import FastAPI, uvicorn and aiortc; beside them
`emotion.videos`, `emotion.realtime` and `emotion.models`.
"""
