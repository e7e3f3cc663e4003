"""Follows the faces of a stream, small ones too; costs depend on how many faces there are.

A landmarker for up to n faces does not search a picture while it follows n faces, but searches every picture
while it follows fewer. Therefore the landmarker here is one for exactly as many faces as are present, and a
separate detector looks for new faces at intervals (`tile_search`). A face that is too small for this, and was
found in a tile, gets its own landmarker, which sees a window around it; the window moves when the face comes
near its edge. All windows of a picture are processed in parallel.

A landmarker of MediaPipe takes some 25 MiB, and 40 ms of processor time to create. Few unused ones are kept:
the memory of a stream depends on the faces that are present, not on how many there ever were.

A landmarker processes one picture after the other. Several of them can share a file: each follows the same
faces, through every second picture if there are two. On a GPU one landmarker takes as many pictures at once.
`stride` skips pictures, in windows too.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import numpy as np

from emotion.models.cores import available_cores
from emotion.models.faces.picture import BatchLandmarker, Detector, Landmarker, Landmarks, Picture
from emotion.models.native.memory import give_back
from emotion.models.parallel import ThreadPool
from emotion.realtime.stages.face_boxes import SAME, Corners, among, apart, corners, overlap, side
from emotion.realtime.stages.tile_search import TileSearch

# How long a lost face is searched for in every picture.
_MISS_SECONDS = 0.5
# The margin around a new face that a landmarker sees, in sizes of the face.
_SURROUNDINGS = 0.5
# A window's side in sizes of its face.
_WINDOW = 5.0
# It moves when the margin around the face is less than this, or the face has grown by this factor.
_EDGE = 0.4
_GROWN = 2.0
# A face in a window is skipped in some pictures while it moves by less than this share of its size per
# second. Its landmarks are smoothed over time: the rarer they are, the more they lag behind a moving face.
_CALM = 0.5
# Small faces beyond `max_faces` are counted at this interval only, because searching all tiles takes long.
_TOLD_SECONDS = 10.0
# Landmarkers that are kept: for the present and for former numbers of faces; and for the next small faces.
_KEPT_TEAMS = 2
_KEPT_SINGLES = 1
# A picture without faces, which makes a landmarker forget its faces.
_NOTHING = np.zeros((64, 64, 3), dtype=np.uint8)


class FaceFollower:
    """Follows the faces of one stream. The same pictures always give the same faces.

    New faces that the detector sees are found within `tile_search.LOOK_SECONDS` and one frame, small ones
    within `SCAN_SECONDS`; with `deferred` one frame later; at once while there is no face, or one was just
    lost. With `deferred` the first picture is not searched for small faces if it shows a large one.

    Args:
        landmarker: makes a landmarker that follows a number of faces.
        detector: finds new faces; the follower closes it.
        max_faces: the most faces followed at once.
        team: makes the landmarker for a number of faces in the whole picture; by default from `landmarker`.
        single: makes the landmarker for one face in its window; by default from `landmarker`.
        deferred: for live pictures. While there are faces, new ones are searched for, and lost ones given up,
            only by `settle`, `search_large` and `search_small`, which are called between two pictures.

    Attributes:
        left_out: for each picture of the last `find_all`, the number of faces beyond `max_faces`; counted
            once a second, and in tiles while small faces are followed.
    """

    def __init__(
        self,
        landmarker: Callable[[int], Landmarker],
        detector: Detector,
        max_faces: int,
        team: Callable[[int], BatchLandmarker] | None = None,
        deferred: bool = False,
        single: Callable[[], BatchLandmarker] | None = None,
    ) -> None:
        self._search = TileSearch(detector)
        self._group = _Group(team or (lambda count: RoundRobinLandmarkers([landmarker(count)])))
        self._make_single = single or (lambda: RoundRobinLandmarkers([landmarker(1)]))
        self._pool = ThreadPool(available_cores(), "faces")
        self._busy: list[_Single] = []
        self._idle: list[_Single] = []
        self._max_faces = max_faces
        self._deferred = deferred
        self._large: tuple[Landmarks, ...] = ()
        self._small: list[Landmarks] = []
        self._crowd = 0
        self._unplaced: list[Corners] = []
        self._told = -np.inf
        self.left_out: list[int] = []
        if deferred:
            self._group.prepare()

    def find(self, picture: Picture, seconds: float) -> tuple[Landmarks, ...]:
        """The faces in the stream's next picture, at most `max_faces`.

        Args:
            picture: the whole of it; all pictures of a stream are of one size.
            seconds: its time.
        """
        (faces,) = self.find_all([picture], [seconds])
        return faces

    def find_all(self, pictures: Sequence[Picture], seconds: Sequence[float]) -> list[tuple[Landmarks, ...]]:
        """The same for the next pictures, each with its time. Results may depend on how many there are."""
        found: list[tuple[Landmarks, ...]] = []
        self.left_out = []
        while len(found) < len(pictures):
            start = len(found)
            with self._looking(pictures[start:], seconds[start:]):
                seen_ahead = self._group.look(pictures[start:], seconds[start:])
            seen_by = self._group.started
            for at, seen in enumerate(seen_ahead, start):
                found.append(self._complete(pictures[at:], seconds[at:], seen))
                if self._group.started != seen_by:
                    break  # the rest was processed for another set of faces
        return found

    def settle(self, picture: Picture, seconds: float) -> bool:
        """Give up faces that have been missing too long in the last picture; returns whether any was.

        Args:
            picture: the same as `find` was given.
            seconds: its time.
        """
        started = self._group.started
        self._large = self._group.follow(self._large, picture, seconds)
        return self._group.started > started

    def search_large(self, picture: Picture, seconds: float) -> bool:
        """Search the last picture for new faces, if that is due; returns whether it was.

        They are among the faces from the next picture on.
        """
        looks = self._search.looks
        if self._room:
            self._follow_new_large(picture, seconds)
        return self._search.looks > looks

    def search_small(self, picture: Picture, seconds: float) -> bool:
        """The same in tiles of it; once there are `max_faces`, only count the others."""
        looks = self._search.looks
        if self._room:
            self._follow_new_small(picture, seconds)
        self._crowd = 0 if self._room else self._count_left_out(picture, seconds, self._found)
        return self._search.looks > looks

    def _complete(
        self, pictures: Sequence[Picture], times: Sequence[float], seen: tuple[Landmarks, ...]
    ) -> tuple[Landmarks, ...]:
        """All faces in the first of the next pictures.

        Args:
            pictures, times: the next ones.
            seen: faces of the group in the first one.
        """
        picture, seconds = pictures[0], times[0]
        self._large = seen if self._deferred and seen else self._group.follow(seen, picture, seconds)
        self._small = self._follow_small(pictures, times, self._large)
        if self._deferred and (self._large or self._small):
            # Counted after the picture before.
            self.left_out.append(self._crowd)
            self._crowd = 0
            return self._found
        if self._room:
            self._follow_new_large(picture, seconds)
            if self._deferred and self._large:
                self._search.begin(seconds)
            else:
                self._follow_new_small(picture, seconds)
        found = self._found
        full = len(found) >= self._max_faces
        counted = full and not self._deferred
        self.left_out.append(self._count_left_out(picture, seconds, found) if counted else 0)
        return found

    @property
    def _found(self) -> tuple[Landmarks, ...]:
        # The search for large faces may have found one that has a window already.
        return (*self._large, *apart(self._small, self._large))

    def _follow_new_large(self, picture: Picture, seconds: float) -> None:
        """Follow new faces of the whole picture, if a search is due."""
        # A group that misses a face searches every picture anyway.
        if len(self._large) == self._group.count and (
            new := self._search.large(picture, seconds, [*self._large, *self._small], self._room)
        ):
            self._large = self._group.start(self._group.count + len(new), picture, seconds)

    def _follow_new_small(self, picture: Picture, seconds: float) -> None:
        """Follow new faces of the tiles that are due, up to `max_faces`; the others are counted later."""
        for box in self._search.small(picture, seconds):
            known = [*self._large, *self._small]
            if among(box, known):
                continue
            if self._room:
                self._small += self._follow_new(picture, box, seconds, known)
            else:
                self._unplaced.append(box)

    def _count_left_out(self, picture: Picture, seconds: float, found: Sequence[Landmarks]) -> int:
        """How many faces beyond `max_faces` the picture shows; 0 while no search is due.

        Tiles are searched too where small faces are followed, because the others may be small as well.
        """
        known = list(found)
        large = self._search.crowd(picture, seconds, known)
        if self._busy and not 0 <= seconds - self._told < _TOLD_SECONDS:
            self._unplaced += self._search.small(picture, seconds)
        unplaced, self._unplaced = self._unplaced, []
        count = len(known)
        for box in unplaced:
            # A detection in a tile may be wrong, or the same face as in another tile.
            if not among(box, known):
                known += self._seen(picture, box, seconds)
        if len(known) > count:
            self._told = seconds
        return max(large, len(known) - count)

    def _seen(self, picture: Picture, box: Corners, seconds: float) -> list[Landmarks]:
        """The face in a box, without following it; empty where there is none."""
        single = self._idle.pop() if self._idle else _Single(self._make_single())
        face = single.start(picture, box, seconds)
        self._release(single)
        return [] if face is None else [face]

    def forget(self) -> None:
        """Stop following all faces: the next picture has nothing to do with the last."""
        self._group.forget()
        self._search.forget()
        self._unplaced = []
        self._release(*self._busy)
        self._busy = []

    def close(self) -> None:
        """Free all landmarkers and the detector. May be called again."""
        self._pool.shutdown()
        self._search.close()
        self._group.close()
        for single in (*self._busy, *self._idle):
            single.close()

    @property
    def _room(self) -> int:
        return self._max_faces - self._group.count - len(self._busy)

    def _follow_small(
        self, pictures: Sequence[Picture], seconds: Sequence[float], large: Sequence[Landmarks]
    ) -> list[Landmarks]:
        """The faces with windows; a landmarker that lost its face, or shares it with another, is released."""
        faces: list[Landmarks] = []
        with self._looking(pictures, seconds):
            singles, self._busy = self._busy, []
        for single in singles:
            face = single.follow(seconds[0])
            known = face is not None and among(corners(face), [*large, *faces])
            if known or single.gone(seconds[0]):
                self._release(single)
            else:
                self._busy.append(single)
            if face is not None and not known:
                faces.append(face)
        return faces

    @contextmanager
    def _looking(self, pictures: Sequence[Picture], seconds: Sequence[float]) -> Iterator[None]:
        """Process the windows in the next pictures, in parallel to each other and to the block."""
        due = [single for single in self._busy if not single.has_looked]
        looks = [self._pool.submit(single.look, pictures, seconds) for single in due]
        try:
            yield
        finally:
            wait(looks)
        for look in looks:
            look.result()

    def _follow_new(
        self, picture: Picture, box: Corners, seconds: float, known: Sequence[Landmarks]
    ) -> list[Landmarks]:
        """Follow the new face in a box from now on; empty where there is none, or a known one."""
        single = self._idle.pop() if self._idle else _Single(self._make_single())
        face = single.start(picture, box, seconds)
        if face is None or among(corners(face), known):
            self._release(single)
            return []
        self._busy.append(single)
        return [face]

    def _release(self, *singles: "_Single") -> None:
        """Keep as many landmarkers as the next small faces need, and close the others."""
        self._idle += singles
        self._idle, surplus = self._idle[:_KEPT_SINGLES], self._idle[_KEPT_SINGLES:]
        for single in surplus:
            single.close()
        if surplus:
            give_back()


class RoundRobinLandmarkers:
    """Landmarkers that follow the same faces, each in its own thread and in its share of the pictures.

    Attributes:
        turns: the number of landmarkers.
    """

    def __init__(self, landmarkers: Sequence[Landmarker]) -> None:
        """Args: landmarkers: at least one; closed by `close`."""
        self.turns = len(landmarkers)
        self._landmarkers = landmarkers
        self._pool = ThreadPoolExecutor(self.turns - 1, "faces") if self.turns > 1 else None

    def detect_all(
        self, pictures: Sequence[Picture], seconds: Sequence[float]
    ) -> list[tuple[Landmarks, ...]]:
        """The faces in each of a stream's next pictures."""

        def share(turn: int) -> list[tuple[Landmarks, ...]]:
            mine = slice(turn, None, self.turns)
            pairs = zip(pictures[mine], seconds[mine], strict=True)
            return [self._landmarkers[turn].detect(picture, time) for picture, time in pairs]

        others = [self._pool.submit(share, turn) for turn in range(1, self.turns)] if self._pool else []
        shares = [share(0), *(other.result() for other in others)]
        return [shares[index % self.turns][index // self.turns] for index in range(len(pictures))]

    def close(self) -> None:
        """Free what they hold."""
        if self._pool is not None:
            self._pool.shutdown()
        for landmarker in self._landmarkers:
            landmarker.close()


class _Group:
    """The faces that are followed in the whole picture, by a landmarker for exactly this number.

    Attributes:
        count: the number of faces that are followed or were just lost.
        started: how often the number has changed.
    """

    def __init__(self, team: Callable[[int], BatchLandmarker]) -> None:
        self._make = team
        self._teams: dict[int, BatchLandmarker] = {}  # the one that was used last comes last
        self._short_since: float | None = None
        self.count = 0
        self.started = 0

    def prepare(self) -> None:
        """Make the landmarker for one face, which most streams need, before the first picture comes."""
        self._teams[1] = self._make(1)

    def look(self, pictures: Sequence[Picture], seconds: Sequence[float]) -> list[tuple[Landmarks, ...]]:
        """The faces in the first picture, or, with several landmarkers, in all of them."""
        if self.count == 0:
            return [()]
        team = self._teams[self.count]
        count = 1 if team.turns == 1 else len(pictures)
        return team.detect_all(pictures[:count], seconds[:count])

    def start(self, count: int, picture: Picture, seconds: float) -> tuple[Landmarks, ...]:
        """Search the picture for a number of faces, and follow them from now on."""
        self.count, self._short_since = count, None
        self.started += 1
        if count == 0:
            return ()
        team = self._teams.pop(count, None)
        if team is not None:
            team.detect_all([Picture(_NOTHING)] * team.turns, [seconds] * team.turns)
        else:
            if len(self._teams) == _KEPT_TEAMS:
                self._teams.pop(next(iter(self._teams))).close()
                give_back()
            team = self._make(count)
        self._teams[count] = team
        (faces,) = team.detect_all([picture], [seconds])
        return self.follow(faces, picture, seconds)

    def forget(self) -> None:
        """Follow no faces. Landmarkers that are kept forget theirs when they are used again."""
        self.count, self._short_since = 0, None
        self.started += 1

    def follow(self, faces: tuple[Landmarks, ...], picture: Picture, seconds: float) -> tuple[Landmarks, ...]:
        """The faces that are present; those that have been missing too long are given up."""
        if len(faces) == self.count:
            self._short_since = None
        elif self._short_since is None:
            self._short_since = seconds
        elif not 0 <= seconds - self._short_since < _MISS_SECONDS:
            return self.start(len(faces), picture, seconds)
        return faces

    def close(self) -> None:
        for team in self._teams.values():
            team.close()


class _Single:
    """A landmarker that follows one face in a window of the picture."""

    def __init__(self, team: BatchLandmarker) -> None:
        self._team = team
        self._window = np.zeros(4, np.float32)
        self._size = 0.0
        self._last = np.zeros(4, np.float32)
        self._seen = -np.inf
        self._calm = False
        # Results for the next pictures that were computed ahead.
        self._ahead: deque[Landmarks | None] = deque()

    def start(self, picture: Picture, box: Corners, seconds: float) -> Landmarks | None:
        """Follow the face in a box from now on; None where the landmarker finds none."""
        self._ahead.clear()
        self._size = side(box)
        self._window = _window(box, picture)
        view = self._view(picture)
        around = _SURROUNDINGS * self._size
        low = np.round(box[:2] - around).astype(int) - (view.left, view.top)
        high = np.round(box[2:] + around).astype(int) - (view.left, view.top)
        alone = view.only(*low.tolist(), *high.tolist())
        # A landmarker that still follows another face loses it at the first try, and searches at the second.
        for _ in range(2):
            (faces,) = self._team.detect_all([alone], [seconds])
            for face in faces:
                if overlap(box, corners(face)) > SAME:
                    return self._see(face, seconds)
        return None

    @property
    def has_looked(self) -> bool:
        """Whether there is a result for the next picture."""
        return bool(self._ahead)

    def look(self, pictures: Sequence[Picture], seconds: Sequence[float]) -> None:
        """Process the first of the next pictures, or, while the face hardly moves, all of them."""
        if self._cramped(pictures[0]):
            self._ahead.append(self.start(pictures[0], self._last, seconds[0]))
            return
        count = len(pictures) if self._calm and self._team.turns > 1 else 1
        views = [self._view(picture) for picture in pictures[:count]]
        seen = self._team.detect_all(views, seconds[:count])
        self._ahead.extend(next(iter(faces), None) for faces in seen)

    def follow(self, seconds: float) -> Landmarks | None:
        """The face in the next picture, which was processed already; None where it was not found."""
        face = self._ahead.popleft()
        if face is None:
            self._calm = False
            return None
        return self._see(face, seconds)

    def gone(self, seconds: float) -> bool:
        """Whether the face has been missing too long."""
        return not 0 <= seconds - self._seen < _MISS_SECONDS

    def close(self) -> None:
        self._team.close()

    def _see(self, face: Landmarks, seconds: float) -> Landmarks:
        box, since = corners(face), seconds - self._seen
        moved = float(np.abs(box - self._last).max()) / side(box)
        self._calm = 0 < since < _MISS_SECONDS and moved < _CALM * since
        self._last, self._seen = box, seconds
        return face

    def _view(self, picture: Picture) -> Picture:
        return picture.part(*self._window.astype(int).tolist())

    def _cramped(self, picture: Picture) -> bool:
        """Whether the face is too large for its window, or near an edge of it that is inside the picture."""
        room = np.concatenate([self._last[:2] - self._window[:2], self._window[2:] - self._last[2:]])
        inner = self._window != (0, 0, picture.width, picture.height)
        return bool(side(self._last) > _GROWN * self._size or (room < _EDGE * side(self._last))[inner].any())


def _window(box: Corners, picture: Picture) -> Corners:
    """A square around a small face, cut to the picture."""
    half = _WINDOW * side(box) / 2
    middle = (box[:2] + box[2:]) / 2
    window = np.round(np.concatenate([middle - half, middle + half]))
    return np.clip(window, 0, [picture.width, picture.height] * 2).astype(np.float32)
