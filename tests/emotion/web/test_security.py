"""Who is let in: hosts, origins, tokens."""

import pytest

pytest.importorskip("starlette", reason="needs the extra 'web'")

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from emotion.web.http.security import Gate, make_token

TOKEN = make_token()


def answer(request):
    return PlainTextResponse("in")


def client(names=(), local=True, token=None, base="http://127.0.0.1:8000"):
    app = Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST", "DELETE"])])
    return TestClient(Gate(app, names, local, token), base_url=base, follow_redirects=False)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LOCALHOST", "127.0.0.1"])
def test_this_machine_is_let_in(host):
    assert client().get("/", headers={"Host": host}).text == "in"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "192.0.2.7:8000", "", "@:]["]
)
def test_a_name_that_is_not_ours_is_refused_as_after_dns_rebinding(host):
    answer = client().get("/", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert answer.text != "in"


def test_a_public_server_takes_addresses_and_its_names_but_no_others():
    open_server = client(names=("Faces.Example",), local=False, token=TOKEN)
    known = {"Authorization": f"Bearer {TOKEN}"}
    assert open_server.get("/", headers=known | {"Host": "192.0.2.7:8000"}).status_code == 200
    assert open_server.get("/", headers=known | {"Host": "faces.example"}).status_code == 200
    assert open_server.get("/", headers=known | {"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_another_sites_page_changes_nothing(method, headers):
    assert client().request(method, "/api/jobs", headers=headers).status_code == 403


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
def test_another_sites_page_embeds_nothing(mode):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    assert client().get("/api/jobs/1/video", headers=headers).status_code == 403


def test_a_link_from_another_site_opens_the_page():
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client().get("/", headers=headers).status_code == 200


def test_the_own_page_and_programs_may_change_things():
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert client().post("/api/jobs", headers=own).status_code == 200
    assert client().post("/api/jobs").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": "emotion_token=wrong"},
        {"Cookie": "emotion_token="},
    ],
)
def test_without_the_token_nothing_is_shown(headers):
    refused = client(token=TOKEN).get("/", headers=headers)
    assert refused.status_code == 401
    assert "address that 'emotion serve' printed" in refused.json()["detail"]


def test_a_wrong_token_in_the_address_is_refused():
    assert client(token=TOKEN).get("/?token=wrong").status_code == 401


def test_the_printed_address_leaves_a_cookie_and_a_clean_address():
    guarded = client(token=TOKEN)
    first = guarded.get(f"/?token={TOKEN}&view=videos")
    assert first.status_code == 303
    assert first.headers["location"] == "/?view=videos"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite" in cookie
    assert guarded.get("/").text == "in"


def test_the_token_leads_to_no_other_host():
    entered = client(token=TOKEN).get(f"http://127.0.0.1:8000//evil.example/?token={TOKEN}")
    assert entered.headers["location"].startswith("/evil")


def test_every_response_forbids_what_a_page_could_be_made_to_do():
    for answer in (client().get("/"), client(token=TOKEN).get("/")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_tokens_are_long_and_never_the_same():
    tokens = {make_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32
