"""Requests and responses of the HTTP interface, with their documentation."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from emotion.web.jobs.store import State


class Health(BaseModel):
    """The server is running."""

    status: Literal["ok"] = "ok"
    version: str
    provider: str


class FaceResult(BaseModel):
    """A face: the box as left, top, width, height in pixels; probabilities in the order of `emotions`.

    `label` is an emotion, or "uncertain" if none is clear enough. `emotion`, `confidence`
    and `probabilities` are null if all regions have been hidden for a second. The field of each
    of `regions`, such as `eyes` and `lips`, is its prediction, null if it is hidden;
    `blendshapes` is null unless the vote uses them.
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
    """The result of a picture: apparent expressions, not feelings.

    `more_faces`: number of faces, at least, beyond `max_faces`.
    """

    width: int
    height: int
    emotions: tuple[str, ...]
    regions: tuple[str, ...]
    faces: list[FaceResult]
    more_faces: int


class LiveResult(BaseModel):
    """The result of a live picture: apparent expressions, not feelings.

    `number` increases by one from result to result. `camera` distinguishes several cameras, `seconds` is the
    picture's time in its stream, `captured_at` the time of capture, in Unix seconds.
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

    `drawn`: send annotated pictures back. `mirror`: mirror the pictures before the analysis;
    boxes are then those of the mirrored picture.
    """

    sdp: Annotated[str, Field(max_length=100_000)]
    drawn: bool = False
    mirror: bool = False


class CameraAnswer(BaseModel):
    """The answer to a `CameraOffer`."""

    sdp: str


class Download(BaseModel):
    """A file for download."""

    kind: str
    label: str
    bytes: int
    whole: bool


class JobResult(BaseModel):
    """A video and its progress. Times are Unix seconds; `seconds_left` and `fps` while it runs.

    `mine`: whether the client may cancel and delete it. Once there are results, `seconds` is the video's
    length and `strip` the label over time: of the people in the picture, that of the person with the most
        time in
    all; null without faces. `thumbnail`: whether there is a picture of it.
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
    """The same, and its secret: with that in the header `Emotion-Secret`, a program may change the job."""

    secret: str


class About(BaseModel):
    """The models, their scores and the rule of the vote.

    `rule` is the vote's rule in words; `vote`, for each emotion, success rates and the source's weights.
    """

    version: str
    emotions: tuple[str, ...]
    regions: tuple[str, ...]
    models: list[dict[str, Any]]
    rule: str
    vote: list[str]
    limits: dict[str, float]
