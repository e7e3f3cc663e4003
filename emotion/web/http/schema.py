"""Requests and responses of the HTTP interface, with their documentation."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from emotion.web.jobs.store import State


class Health(BaseModel):
    """That the server lives."""

    status: Literal["ok"] = "ok"
    version: str
    provider: str


class FaceResult(BaseModel):
    """A face: the box as left, top, width, height in pixels; shares in the order of `emotions`.

    `label` is what to call it: an emotion, or "uncertain" where none is clear enough. `emotion`, `confidence`
    and `probabilities` are null where nothing of the face has been seen for a second. Under the name of each
    of `regions`, as `eyes` and `lips`, stands what its model says, null where it is not seen;
    `blendshapes` are there where the vote counts them.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, list[float] | None] = Field(init=False)

    track_id: int
    box: tuple[float, float, float, float]
    emotion: str | None
    confidence: float | None
    label: str
    probabilities: list[float] | None
    blendshapes: list[float] | None


class PhotoResult(BaseModel):
    """What is thought of a picture: apparent expressions, not feelings.

    `more_faces`: how many faces there are, at least, beyond `max_faces`.
    """

    width: int
    height: int
    emotions: tuple[str, ...]
    regions: tuple[str, ...]
    faces: list[FaceResult]
    more_faces: int


class LiveResult(BaseModel):
    """What is thought of a live picture: apparent expressions, not feelings.

    `number` grows by one from result to result. `camera` tells several apart, `seconds` is the picture's time
    in its stream, `captured_at` when it was captured, in Unix seconds.
    """

    number: int
    camera: int
    seconds: float
    captured_at: float
    width: int
    height: int
    emotions: tuple[str, ...]
    regions: tuple[str, ...]
    faces: list[FaceResult]


class CameraOffer(BaseModel):
    """A browser's offer in the Session Description Protocol.

    `drawn`: send annotated pictures back. `mirror`: turn the pictures as in a mirror before they are looked
    at; boxes are then those of the mirrored picture.
    """

    sdp: Annotated[str, Field(max_length=100_000)]
    drawn: bool = False
    mirror: bool = False


class CameraAnswer(BaseModel):
    """The answer to a `CameraOffer`."""

    sdp: str


class Download(BaseModel):
    """A file that can be taken away."""

    kind: str
    label: str
    bytes: int
    whole: bool


class JobResult(BaseModel):
    """A video and how far it is. Times are Unix seconds; `seconds_left` and `fps` while it runs.

    `mine`: whether whoever asks may cancel and delete it. Once there are results, `seconds` is the video's
    length and `strip` the label over time: of those who are there then, that of the person seen longest in
    all; null where nobody is. `thumbnail` says whether there is a picture of it.
    """

    id: str
    title: str
    bytes: int
    state: State
    message: str
    created: float
    finished: float | None
    deleted_at: float | None
    place: int | None
    done: int
    total: int | None
    fps: float | None
    seconds_left: float | None
    overview: bool
    downloads: list[Download]
    mine: bool
    seconds: float | None
    strip: list[str | None]
    thumbnail: bool


class JobCreated(JobResult):
    """The same, and its secret: with that as the header `Emotion-Secret`, a program may change the job."""

    secret: str


class About(BaseModel):
    """Which models run, what they can do and what the vote makes of them.

    `rule` is the vote's rule in words; `vote`, for each emotion, success rates and the source's weights.
    """

    version: str
    emotions: tuple[str, ...]
    regions: tuple[str, ...]
    models: list[dict[str, Any]]
    rule: str
    vote: list[str]
    limits: dict[str, float]
