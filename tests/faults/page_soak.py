"""The page under load for long: waves of videos and cameras, and what the server holds between them."""

import asyncio
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import av
import numpy as np
import psutil
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack

from emotion.benchmarks.browser import started
from emotion.benchmarks.live import clip_pictures
from emotion.realtime.sources.demo import DEMO
from tests.faults.cases import spoilt
from tests.faults.held import SETTLING, Held, Soaked, grown, until
from tests.faults.killed import broken, whole_case

VIDEOS, CAMERAS = 20, 4
_FPS, _SIZE = 2.0, (320, 240)
_ENDS = ("done", "failed", "cancelled")
# What a server needs to let go after a wave: places of cameras that left without a word, idle threads.
_QUIET_SECONDS = 25.0
_PATIENCE = 300.0
_CLOCK = Fraction(1, 90_000)


def page(seconds: float, seed: int, folder: Path) -> Soaked:
    """`emotion serve`, wave after wave; what it holds after the first and after the last."""
    folder.mkdir()
    random, had = Random(f"{seed} page"), Counter[str]()
    end, wrong = time.monotonic() + seconds, list[str]()
    wave = min(SETTLING, seconds / 4)
    quiet: list[Held] = []
    with started(folder / "jobs", "--models", "lite", "--viewers", CAMERAS) as (address, number):
        server = psutil.Process(number)
        site = _Site(address, folder, random, had)
        while not quiet or time.monotonic() + wave / 2 < end:
            wrong += site.wave(seed, max(5.0, wave - _QUIET_SECONDS))
            time.sleep(min(_QUIET_SECONDS, wave / 2))
            quiet.append(Held.by(server))
        left = [path.name for path in (folder / "jobs").iterdir() if path.is_dir()]
    wrong += [f"folders are left: {left}"] if left else []
    wrong += grown(quiet[0], quiet[-1])
    events = ", ".join(f"{count} {name}" for name, count in sorted(had.items()))
    happened = f"{len(quiet)} waves: {events}; {', '.join(f'{one.mib:.0f}' for one in quiet)} MiB"
    return Soaked("page", quiet[0], quiet[-1], happened, wrong)


class _Site:
    """The page's server, as its visitors see it."""

    def __init__(self, address: str, folder: Path, random: Random, had: Counter[str]) -> None:
        self._address, self._folder, self._random, self._had = address, folder, random, had
        self._pictures = clip_pictures(DEMO, 3, 24)

    def wave(self, seed: int, seconds: float) -> list[str]:
        """Twenty videos at once and four cameras for some seconds; all is deleted in the end."""
        begin = time.monotonic()
        cameras = threading.Thread(target=lambda: asyncio.run(self._watch(seconds)))
        cameras.start()
        jobs = [self._send(seed) for _ in range(VIDEOS)]
        wrong = self._let_end(jobs)
        cameras.join(max(0.0, begin + seconds + 60 - time.monotonic()))
        return wrong + (["cameras do not end"] if cameras.is_alive() else [])

    def _send(self, seed: int) -> dict[str, Any]:
        case = self._random.randrange(10_000) if self._random.random() < 0.3 else whole_case()
        video = spoilt(case, seed, self._folder)
        job = self._ask("POST", f"jobs?name={quote(video.name)}", video.read_bytes())
        video.unlink()
        return job

    def _let_end(self, jobs: list[dict[str, Any]]) -> list[str]:
        """Cancel some, wait for all, look at their results, and delete them: all at once."""
        for job in jobs:
            if self._random.random() < 0.15:
                time.sleep(self._random.uniform(0, 1))
                self._ask("POST", f"jobs/{job['id']}/cancel", secret=job["secret"])
        wrong, ended = [], []
        for job in jobs:
            if not until(lambda job=job: self._state(job) in _ENDS, _PATIENCE):  # type: ignore[misc]
                wrong.append(f"a video stays {self._state(job)}")
                continue
            self._had[state := self._state(job)] += 1
            results = self._folder / "jobs" / job["id"] / "results"
            # A process that does not end in time is killed, and leaves parts.
            if problem := broken(results, killed=state != "done"):
                wrong.append(problem)
            ended.append(job)
        # So the server's pool of threads is as large after the first wave as it ever gets.
        with ThreadPoolExecutor(VIDEOS) as visitors:
            list(visitors.map(self._delete, ended))
        return wrong

    def _delete(self, job: dict[str, Any]) -> None:
        self._ask("DELETE", f"jobs/{job['id']}", secret=job["secret"])

    def _state(self, job: dict[str, Any]) -> str:
        return str(self._ask("GET", f"jobs/{job['id']}")["state"])

    def _ask(self, method: str, path: str, body: bytes | None = None, secret: str = "") -> dict[str, Any]:
        headers = {"Emotion-Secret": secret} if secret else {}
        if path == "cameras":
            headers["Content-Type"] = "application/json"
        request = Request(f"{self._address}api/{path}", data=body, headers=headers, method=method)
        with urlopen(request, timeout=60) as answer:
            text = answer.read()
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    async def _watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        seeds = [self._random.random() for _ in range(CAMERAS)]
        await asyncio.gather(*(self._camera(Random(one), end) for one in seeds))

    async def _camera(self, random: Random, end: float) -> None:
        """Come and go until the end; sometimes a place is not free yet, as whoever left may be waited for."""
        while (left := end - time.monotonic()) > 1:
            connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            connection.createDataChannel("results", ordered=False, maxRetransmits=0).on(
                "message", lambda text: self._had.update(["results"] if '"faces"' in text else [])
            )
            connection.addTrack(_Pictures(self._pictures, random))
            try:
                await connection.setLocalDescription(await connection.createOffer())
                offer = json.dumps({"sdp": connection.localDescription.sdp}).encode()
                answer = await asyncio.to_thread(self._ask, "POST", "cameras", offer)
                await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
                self._had["cameras"] += 1
                await asyncio.sleep(min(left, random.uniform(10, 90)))
            except OSError:
                await asyncio.sleep(2)
            finally:
                await connection.close()


class _Pictures(VideoStreamTrack):
    """A camera that shows three faces, and now and then nothing for a while."""

    def __init__(self, pictures: list[Any], random: Random) -> None:
        super().__init__()
        self._pictures, self._random = pictures, random
        self._begin, self._number = time.monotonic(), 0

    async def recv(self) -> av.VideoFrame:
        self._number += 1
        await asyncio.sleep(20.0 if self._random.random() < 0.01 else 1 / _FPS)
        picture = np.asarray(self._pictures[self._number % len(self._pictures)])
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(*_SIZE, format="yuv420p")
        frame.pts, frame.time_base = round(90_000 * (time.monotonic() - self._begin)), _CLOCK
        return frame
