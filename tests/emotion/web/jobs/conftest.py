"""A server with workers that annotate nothing; imports wait, since the extra `web` may be missing."""

import pytest

from tests.helpers.shipped_models import shipped_models


@pytest.fixture(scope="module")
def models():
    return shipped_models()


@pytest.fixture
def serve(models, tmp_path):
    """Start a server; the next one in the same test finds the same disk."""
    from starlette.testclient import TestClient

    from emotion.web.http.app import make_app
    from emotion.web.options import ServeOptions
    from tests.helpers.job_requests import FAKE, ON_CPU

    running = []

    def start(command=FAKE, **options):
        stop()
        chosen = ServeOptions(folder=tmp_path / "jobs", **{"jobs": 1} | options)
        app = make_app(chosen, models, command=command, analysis=ON_CPU)
        client = TestClient(app, base_url="http://127.0.0.1:8000")
        running.append(client.__enter__())
        client.get("/")
        return client

    def stop():
        while running:
            running.pop().__exit__(None, None, None)

    yield start
    stop()
