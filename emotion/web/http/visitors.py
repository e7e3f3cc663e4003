"""How a request says whose it is: a visitor's cookie, or the secret of one video."""

from typing import Annotated

from fastapi import Cookie, Header

VISITOR = "emotion_visitor"
"""The name of the cookie."""

Visitor = Annotated[str, Cookie(alias=VISITOR)]
Secret = Annotated[
    str,
    Header(
        alias="Emotion-Secret",
        description="The secret from the response to the upload; browsers do not need it.",
    ),
]
