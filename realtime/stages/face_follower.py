"""Follows the faces of a stream, small ones too; costs depend on how many faces there are.

MediaPipe spares itself the search for faces while it follows as many as it was asked for; asked for
four where one is there, it searches every picture. So here it is asked for as many as there are, and
a detector of its own looks for newcomers now and then (`tile_search`). A face that only a tile shows gets a
landmarker of its own, which sees a window around it; the window moves when the face nears its edge. All that
have windows look at a picture side by side.

A landmarker of MediaPipe holds some 25 MiB, and making one takes about 40 ms of processor. So few are kept
for another time: what a stream holds depends on the faces that are there, not on how many there ever were.

A landmarker takes one picture after the other. Where several share a file, they take its pictures in
turn: each follows the same faces, through every second picture if there are two. On a GPU one landmarker
takes as many pictures at once. `stride` leaves out pictures in which nothing is looked for, in windows too.
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

# Whoever is lost is looked for in every picture for so long.
_MISS_SECONDS = 0.5
# How much a landmarker is shown around a new face, in sizes of the face.
_SURROUNDINGS = 0.5
# A window's side in sizes of its face.
_WINDOW = 5.0
# It moves when less than this is left between the face and its edge, or its face has grown so much.
_EDGE = 0.4
_GROWN = 2.0
# A face in a window is not looked at in every picture while it moves by less of its size in a second. Its
# landmarks are smoothed over time: the seldomer it is looked at, the more they lag behind one that walks.
_CALM = 0.5
# Small faces that there is no room for are told of so seldom, for looking into all tiles takes long.
_TOLD_SECONDS = 10.0
# Landmarkers that are kept: for numbers of faces, the present one among them; and for small faces to come.
_KEPT_TEAMS = 2
_KEPT_SINGLES = 1
# What a landmarker is shown to forget its faces.
_NOTHING = np.zeros((64, 64, 3), dtype=np.uint8)


class FaceFollower:
    """Follows the faces of one stream. The same pictures give the same faces, always.

    Newcomers that the detector sees are found within `tile_search.LOOK_SECONDS` and one frame, small
    ones within `SCAN_SECONDS`, and with `deferred` a frame after that; where nobody is there, or somebody was
    just lost, at once. With `deferred` the first picture, too, is not searched for small ones where it shows
    a large one.

    Args:
        landmarker: makes one for so many faces, which follows them.
        detector: owned from here on.
        max_faces: the most faces followed at once.
        team: makes what follows so many faces in the whole picture; one of those landmarkers where there
            is none.
        single: makes what follows a face in its window; likewise.
        deferred: while somebody is there, newcomers are looked for, and whoever has gone is given up, only by
            `settle`, `search_large` and `search_small`, which are called between two pictures; for pictures
            that come one at a time.

    Attributes:
        left_out: how many faces more than `max_faces` each of the pictures of the last `find_all` showed;
            looked for once a second, and in tiles where small ones are followed.
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
        """The same for the next few pictures, each with its time. How many they are may matter."""
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
                    break  # the others were looked at with other faces in mind
        return found

    def settle(self, picture: Picture, seconds: float) -> bool:
        """Give up who is missing too long in the last picture; whether anybody was.

        Args:
            picture: the same as `find` was given.
            seconds: its time.
        """
        started = self._group.started
        self._large = self._group.follow(self._large, picture, seconds)
        return self._group.started > started

    def search_large(self, picture: Picture, seconds: float) -> bool:
        """Look for newcomers in the whole of the last picture, if that is due; whether it was.

        They are among the faces from the next picture on.
        """
        looks = self._search.looks
        if self._room:
            self._greet_large(picture, seconds)
        return self._search.looks > looks

    def search_small(self, picture: Picture, seconds: float) -> bool:
        """The same in tiles of it; where there is no room for anybody, only count who is left out."""
        looks = self._search.looks
        if self._room:
            self._greet_small(picture, seconds)
        self._crowd = 0 if self._room else self._count_left_out(picture, seconds)
        return self._search.looks > looks

    def _complete(
        self, pictures: Sequence[Picture], times: Sequence[float], seen: tuple[Landmarks, ...]
    ) -> tuple[Landmarks, ...]:
        """All faces in the first of the next pictures, of which the group is seen already."""
        picture, seconds = pictures[0], times[0]
        self._large = seen if self._deferred and seen else self._group.follow(seen, picture, seconds)
        self._small = self._follow_small(pictures, times, self._large)
        if self._deferred and (self._large or self._small):
            # Counted after the picture before.
            self.left_out.append(self._crowd)
            self._crowd = 0
            return self._found
        if self._room:
            self._greet_large(picture, seconds)
            if self._deferred and self._large:
                self._search.begin(seconds)
            else:
                self._greet_small(picture, seconds)
        found = self._found
        full = len(found) >= self._max_faces
        self.left_out.append(self._count_left_out(picture, seconds) if full and not self._deferred else 0)
        return found

    @property
    def _found(self) -> tuple[Landmarks, ...]:
        # A search for large ones may have come upon one that has a window.
        return (*self._large, *apart(self._small, self._large))

    def _greet_large(self, picture: Picture, seconds: float) -> None:
        """Follow those who are new in the whole picture, if a look is due."""
        # A group that is short of one searches every picture already.
        if len(self._large) == self._group.count and (
            new := self._search.large(picture, seconds, [*self._large, *self._small], self._room)
        ):
            self._large = self._group.start(self._group.count + len(new), picture, seconds)

    def _greet_small(self, picture: Picture, seconds: float) -> None:
        """Follow those who are new in the tiles that are due; who there is no room for is counted."""
        for box in self._search.small(picture, seconds):
            known = [*self._large, *self._small]
            if among(box, known):
                continue
            if self._room:
                self._small += self._greet(picture, box, seconds, known)
            else:
                self._unplaced.append(box)

    def _count_left_out(self, picture: Picture, seconds: float) -> int:
        """How many faces more than there is room for the picture shows, as far as a look is due.

        Where those who are followed are so small that only tiles show them, the others may be, too.
        """
        known = list(self._found)
        large = self._search.crowd(picture, seconds, known)
        if self._busy and not 0 <= seconds - self._told < _TOLD_SECONDS:
            self._unplaced += self._search.small(picture, seconds)
        unplaced, self._unplaced = self._unplaced, []
        count = len(known)
        for box in unplaced:
            # A tile may show what is no face, and two tiles show the same one.
            if not among(box, known):
                known += self._seen(picture, box, seconds)
        if len(known) > count:
            self._told = seconds
        return max(large, len(known) - count)

    def _seen(self, picture: Picture, box: Corners, seconds: float) -> list[Landmarks]:
        """The face in a box, which is not followed; nobody where it is no face."""
        single = self._idle.pop() if self._idle else _Single(self._make_single())
        face = single.start(picture, box, seconds)
        self._let_go(single)
        return [] if face is None else [face]

    def forget(self) -> None:
        """Another picture begins: nobody is followed any more."""
        self._group.forget()
        self._search.forget()
        self._unplaced = []
        self._let_go(*self._busy)
        self._busy = []

    def close(self) -> None:
        """Free what all of it holds. May be called again."""
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
        """The faces with windows; a landmarker whose face is gone, or another's too, is free."""
        faces: list[Landmarks] = []
        with self._looking(pictures, seconds):
            singles, self._busy = self._busy, []
        for single in singles:
            face = single.follow(seconds[0])
            known = face is not None and among(corners(face), [*large, *faces])
            if known or single.gone(seconds[0]):
                self._let_go(single)
            else:
                self._busy.append(single)
            if face is not None and not known:
                faces.append(face)
        return faces

    @contextmanager
    def _looking(self, pictures: Sequence[Picture], seconds: Sequence[float]) -> Iterator[None]:
        """Let all that have windows look at the next pictures, side by side and beside what is done here."""
        due = [single for single in self._busy if not single.has_looked]
        looks = [self._pool.submit(single.look, pictures, seconds) for single in due]
        try:
            yield
        finally:
            wait(looks)
        for look in looks:
            look.result()

    def _greet(
        self, picture: Picture, box: Corners, seconds: float, known: Sequence[Landmarks]
    ) -> list[Landmarks]:
        """Follow the newcomer in a box from now on; nobody where it is no face, or a known one."""
        single = self._idle.pop() if self._idle else _Single(self._make_single())
        face = single.start(picture, box, seconds)
        if face is None or among(corners(face), known):
            self._let_go(single)
            return []
        self._busy.append(single)
        return [face]

    def _let_go(self, *singles: "_Single") -> None:
        """Keep what the next small face needs, close the others."""
        self._idle += singles
        self._idle, surplus = self._idle[:_KEPT_SINGLES], self._idle[_KEPT_SINGLES:]
        for single in surplus:
            single.close()
        if surplus:
            give_back()


class RoundRobinLandmarkers:
    """Landmarkers that follow the same faces, each in a thread and through its share of the pictures.

    Attributes:
        turns: how many they are.
    """

    def __init__(self, landmarkers: Sequence[Landmarker]) -> None:
        """Args: landmarkers: one at least; owned from here on."""
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
    """The faces that are followed in the whole picture, by a team for just so many.

    Attributes:
        count: of the faces that are followed or were just lost.
        started: how often another number of faces was begun with.
    """

    def __init__(self, team: Callable[[int], BatchLandmarker]) -> None:
        self._make = team
        self._teams: dict[int, BatchLandmarker] = {}  # the one that was used last comes last
        self._short_since: float | None = None
        self.count = 0
        self.started = 0

    def prepare(self) -> None:
        """Make what follows one face, as most streams will need, before the first picture waits for it."""
        self._teams[1] = self._make(1)

    def look(self, pictures: Sequence[Picture], seconds: Sequence[float]) -> list[tuple[Landmarks, ...]]:
        """The faces in the first of some pictures, or, where they take turns, in all of them."""
        if self.count == 0:
            return [()]
        team = self._teams[self.count]
        count = 1 if team.turns == 1 else len(pictures)
        return team.detect_all(pictures[:count], seconds[:count])

    def start(self, count: int, picture: Picture, seconds: float) -> tuple[Landmarks, ...]:
        """Search the picture for so many faces, and follow them from now on."""
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
        """Nobody is followed; a team that comes to be used again is made to forget, too."""
        self.count, self._short_since = 0, None
        self.started += 1

    def follow(self, faces: tuple[Landmarks, ...], picture: Picture, seconds: float) -> tuple[Landmarks, ...]:
        """The faces that are there. Who is missing too long is not waited for any more."""
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
    """What follows one face, and the window through which it sees it."""

    def __init__(self, team: BatchLandmarker) -> None:
        self._team = team
        self._window = np.zeros(4, np.float32)
        self._size = 0.0
        self._last = np.zeros(4, np.float32)
        self._seen = -np.inf
        self._calm = False
        # What is seen already of the next pictures.
        self._ahead: deque[Landmarks | None] = deque()

    def start(self, picture: Picture, box: Corners, seconds: float) -> Landmarks | None:
        """Follow the face in a box from now on; None where the landmarker does not see one there."""
        self._ahead.clear()
        self._size = side(box)
        self._window = _window(box, picture)
        view = self._view(picture)
        around = _SURROUNDINGS * self._size
        low = np.round(box[:2] - around).astype(int) - (view.left, view.top)
        high = np.round(box[2:] + around).astype(int) - (view.left, view.top)
        alone = view.only(*low.tolist(), *high.tolist())
        # One that still follows another face loses it at the first try, and searches at the second.
        for _ in range(2):
            (faces,) = self._team.detect_all([alone], [seconds])
            for face in faces:
                if overlap(box, corners(face)) > SAME:
                    return self._see(face, seconds)
        return None

    @property
    def has_looked(self) -> bool:
        """Whether `follow` can tell of the next picture."""
        return bool(self._ahead)

    def look(self, pictures: Sequence[Picture], seconds: Sequence[float]) -> None:
        """Look for the face in the first of the next pictures, or, while it sits still, in all of them."""
        if self._cramped(pictures[0]):
            self._ahead.append(self.start(pictures[0], self._last, seconds[0]))
            return
        count = len(pictures) if self._calm and self._team.turns > 1 else 1
        views = [self._view(picture) for picture in pictures[:count]]
        seen = self._team.detect_all(views, seconds[:count])
        self._ahead.extend(next(iter(faces), None) for faces in seen)

    def follow(self, seconds: float) -> Landmarks | None:
        """The face it was put onto, in the next picture, which it looked at; None: it is out of sight."""
        face = self._ahead.popleft()
        if face is None:
            self._calm = False
            return None
        return self._see(face, seconds)

    def gone(self, seconds: float) -> bool:
        """Whether the face is out of sight for too long."""
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
        """Whether the face has outgrown its window or nears an edge of it inside the picture."""
        room = np.concatenate([self._last[:2] - self._window[:2], self._window[2:] - self._last[2:]])
        inner = self._window != (0, 0, picture.width, picture.height)
        return bool(side(self._last) > _GROWN * self._size or (room < _EDGE * side(self._last))[inner].any())


def _window(box: Corners, picture: Picture) -> Corners:
    """A square around a small face, cut to the picture."""
    half = _WINDOW * side(box) / 2
    middle = (box[:2] + box[2:]) / 2
    window = np.round(np.concatenate([middle - half, middle + half]))
    return np.clip(window, 0, [picture.width, picture.height] * 2).astype(np.float32)
