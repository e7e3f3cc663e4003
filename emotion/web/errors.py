"""Errors that any part of the server may report to a visitor."""


class BusyError(Exception):
    """There is no room now.

    Attributes:
        status: of the answer, 429 or 503.
        seconds: when to come back.
    """

    def __init__(self, status: int, seconds: float, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.seconds = max(1, round(seconds))
