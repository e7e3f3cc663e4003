"""Errors that any part of the server may report to a visitor."""


class BusyError(Exception):
    """The server is busy.

    Attributes:
        status: of the response, 429 or 503.
        seconds: when to try again.
    """

    def __init__(self, status: int, seconds: float, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.seconds = max(1, round(seconds))
