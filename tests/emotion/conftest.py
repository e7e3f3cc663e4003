"""An S3 server on this machine alone, for whoever asks for it."""

import logging
from urllib.request import Request, urlopen

import fsspec
import pytest


@pytest.fixture(scope="session")
def s3_server():
    """Its address; it starts on a port that is free."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch, tmp_path):
    """fsspec's file system of it, with one empty bucket, ``bucket``; whoever opens ``s3://`` gets there.

    It is made once, since botocore reads for a second what it knows of Amazon.
    """
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    urlopen(Request(f"{s3_server}/moto-api/reset", method="POST")).close()
    system = fsspec.filesystem("s3", use_listings_cache=False)
    system.mkdir("bucket")
    return system
