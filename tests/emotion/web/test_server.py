"""What a server that starts tells a person."""

import socket
from urllib.parse import urlsplit

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from emotion.web.options import ServeOptions
from emotion.web.server import _numeric_addresses


def test_a_server_for_others_is_reported_with_addresses_that_need_no_name():
    options = ServeOptions(host="0.0.0.0", port=0)
    with socket.create_server((options.host, 0)) as listener:
        for address in _numeric_addresses(options, listener, "secret"):
            url = urlsplit(address)
            assert (url.scheme, url.query) == ("http", "token=secret")
            socket.create_connection((url.hostname, url.port), timeout=10).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_for_this_machine_or_one_address_has_that_address_only(host):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert _numeric_addresses(ServeOptions(host=host), listener, None) == []
