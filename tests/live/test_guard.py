"""Who may talk to the live page."""

import http.client
import re

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from rtkit import DeviceError, InputError
from rtkit.live.server import LiveServer, is_local
from tests.live.talk import Page


def get(server, path, **headers):
    """Status, headers and text of an answer."""
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode(errors="replace")
    connection.close()
    return found


@pytest.fixture
def open_server(tmp_path):
    """A server that others may connect to."""
    made = LiveServer(tmp_path, host="0.0.0.0")
    made.url = made.url.replace("0.0.0.0", "127.0.0.1")
    made.start()
    yield made
    made.close()


@pytest.mark.parametrize(("host", "local"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("name", False)])
def test_only_its_own_addresses_are_local(host, local):
    assert is_local(host) is local


def test_without_a_token_this_machine_is_served_and_nothing_is_loaded_from_elsewhere(server):
    status, headers, _ = get(server, "/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    for word in ("unsafe", "*", "http:", "https:"):
        assert word not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers
    assert get(server, "/static/../../server.py")[0] == 404


def test_the_page_loads_nothing_from_elsewhere(server):
    _, _, page = get(server, "/")
    for address in re.findall(r"(?:src|href)=\"([^\"]*)\"", page):
        assert address.startswith(("/static/", "#", "data:", "/pipeline.toml"))


def test_another_name_for_this_machine_is_refused(server):
    assert get(server, "/", Host="evil.example")[0] == 403
    assert get(server, "/metrics", Host="evil.example:80")[0] == 403
    assert get(server, "/", Host=f"localhost:{server.url.split(':')[2].strip('/')}")[0] == 200
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    assert get(server, "/ws", Host="evil.example", Upgrade="websocket", Connection="Upgrade", **key)[0] == 403
    assert server.guard.refused == {"host": 3}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example"])
def test_a_strange_page_is_refused(server, origin):
    with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{server.url.split('/')[2]}/ws", origin=origin):
        pass
    assert get(server, "/pipeline.toml", Origin=origin)[0] == 403
    assert server.guard.refused == {"origin": 2}


def test_the_own_page_is_let_in(server):
    with Page(server, origin=server.url.rstrip("/")) as page:
        assert page.hello["processors"]


def test_others_need_the_token(open_server):
    token = open_server.guard.token
    assert len(token) >= 32
    for path in ("/", "/metrics", "/static/main.js", "/recordings/x", "/files/x", "/?token=", f"/?token={token[:-1]}", "/?token=%ff"):
        assert get(open_server, path)[0] == 403
    for wrong in ("", "?token=wrong"):
        with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{open_server.url.split('/')[2]}/ws{wrong}"):
            pass
    assert get(open_server, "/", Cookie="rtkit_1=x; =; bad")[0] == 403
    status, headers, _ = get(open_server, f"/?token={token}")
    assert status == 200
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert get(open_server, "/metrics", Cookie=cookie.partition(";")[0])[0] == 200
    assert get(open_server, "/metrics", Authorization=f"Bearer {token}")[0] == 200
    with Page(open_server) as page:
        assert page.state["state"] == "idle"


def test_tokens_are_compared_in_constant_time(open_server, monkeypatch):
    asked = []
    monkeypatch.setattr("rtkit.live.guard.hmac.compare_digest", lambda a, b: asked.append((a, b)) or False)
    assert get(open_server, "/?token=x")[0] == 403
    assert asked == [(b"x", open_server.guard.token.encode())]


def test_an_address_that_cannot_be_listened_at_is_told_in_one_line(tmp_path, server):
    port = int(server.url.split(":")[2].strip("/"))
    with pytest.raises(DeviceError, match=f"cannot listen at 127.0.0.1, port {port}"):
        LiveServer(tmp_path, port=port)
    with pytest.raises(DeviceError, match="cannot listen"):
        LiveServer(tmp_path, host="no.such.host.invalid")
    with pytest.raises(InputError, match="no such folder"):
        LiveServer(tmp_path / "none")
