from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from regulars import clock
from regulars.config import ServeSettings
from regulars.errors import InputError, NotFoundError, UnsafeError
from regulars.serve import keyring, run
from regulars.serve.keys import PREFIX, Keys

VIEW = {"userId": "ada", "event": "Product Viewed"}
PAGE = "https://shop.example"


def basic(secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{secret}:".encode()).decode()}


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_a_key_is_long_random_and_kept_as_a_hash_alone(state):
    keys = Keys(state)
    made = [keys.create("till", ["ingest"], who="ada")[1] for _ in range(5)]
    assert len(set(made)) == 5
    assert all(secret.startswith(PREFIX) and len(secret) == len(PREFIX) + 43 for secret in made)
    for key, secret in zip(keys.all(), made, strict=True):
        assert secret not in json.dumps(vars(key), default=str)
        assert len(key.prefix) < 12
    assert keys.revoke(2, who="bob").revoked_at is not None
    assert keys.revoke(2, who="eve").revoked_at == keys.all()[1].revoked_at
    assert [(change.who, change.what, change.key_id) for change in keys.changes()][-1] == ("bob", "revoked", 2)
    with pytest.raises(NotFoundError, match="keys list"):
        keys.revoke(9, who="ada")


@pytest.mark.parametrize(
    ("scopes", "origins", "words"),
    [
        (["all"], [], "There are: ingest"),
        ([], [], "There are: ingest"),
        (["ingest", "admin"], [PAGE], "ingest and support alone"),
        (["ingest"], ["shop.example"], "is no origin"),
        (["ingest"], [f"{PAGE}/cart"], "is no origin"),
        (["ingest"], ["*"], "is no origin"),
    ],
)
def test_a_key_that_would_open_too_much_is_not_made(local, scopes, origins, words):
    with pytest.raises(InputError, match=words):
        Keys(local).create("x", scopes, who="ada", origins=origins)


def test_a_key_is_taken_in_the_three_ways_of_segment(start, keys):
    secret = keys.create("till", ["ingest"], who="ada")[1]
    server = start()
    ways = [
        server.post("/v1/track", VIEW, headers=basic(secret)),
        server.post("/v1/track", VIEW, headers=bearer(secret)),
        server.post("/v1/track", VIEW | {"writeKey": secret}),
        server.post("/v1/batch", {"batch": [{"type": "track", **VIEW}], "writeKey": secret}),
    ]
    assert [answer.status_code for answer in ways] == [200] * 4
    assert all(secret.encode() not in entry.body for entry in server.serving.inbox.read(0))


def test_without_a_key_that_counts_nobody_is_answered(start, keys, monkeypatch):
    key, secret = keys.create("till", ["ingest"], who="ada")
    late = keys.create("old", ["ingest"], who="ada", expires_at=clock.now() - timedelta(days=1))[1]
    server = start()
    wrong = [
        {}, basic("no"), bearer(PREFIX + "x" * 43), basic(late), {"authorization": "Basic %%%"},
        {"authorization": "Digest x"}, {"authorization": ""},
    ]  # fmt: skip
    for headers in wrong:
        answer = server.post("/v1/track", VIEW, headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith("Basic")
    monkeypatch.setattr(keyring, "SECONDS", 0.0)
    assert server.post("/v1/track", VIEW, headers=basic(secret)).status_code == 200
    keys.revoke(key.id, who="ada")
    server.serving.keyring.refresh()
    assert server.post("/v1/track", VIEW, headers=basic(secret)).status_code == 401
    # All keys are gone; that does not open the door again.
    assert server.post("/v1/track", VIEW).status_code == 401


def test_a_key_made_while_the_server_runs_opens_it(server, keys, wait_until):
    assert server.post("/v1/track", VIEW, headers=basic("anything")).status_code == 200
    secret = keys.create("till", ["ingest"], who="ada")[1]
    wait_until(lambda: server.post("/v1/track", VIEW).status_code == 401)
    assert server.post("/v1/track", VIEW, headers=basic(secret)).status_code == 200


def test_a_scope_opens_its_own_routes_alone(start, keys):
    secrets = {scope: keys.create(scope, [scope], who="ada")[1] for scope in ("ingest", "decide", "support", "admin")}
    server = start()
    ingest = {
        scope: server.post("/v1/track", VIEW, headers=basic(secret)).status_code for scope, secret in secrets.items()
    }
    assert ingest == {"ingest": 200, "decide": 403, "support": 403, "admin": 403}
    metrics = {
        scope: server.client.get("/metrics", headers=bearer(secret)).status_code for scope, secret in secrets.items()
    }
    assert metrics == {"ingest": 403, "decide": 403, "support": 403, "admin": 200}
    assert server.client.get("/metrics").status_code == 401


def test_pages_may_use_the_key_that_is_for_them_and_no_other(start, keys):
    public = keys.create("page", ["ingest"], who="ada", origins=[PAGE])[1]
    private = keys.create("till", ["ingest"], who="ada")[1]
    server = start()
    asked = {"origin": PAGE, "access-control-request-method": "POST"}
    allowed = server.client.options("/v1/t", headers=asked)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, PAGE)
    for path, origin in (("/v1/t", "https://evil.example"), ("/metrics", PAGE)):
        refused = server.client.options(path, headers=asked | {"origin": origin})
        assert "access-control-allow-origin" not in refused.headers
    answer = server.post("/v1/t", VIEW | {"writeKey": public}, headers={"origin": PAGE})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    for origin in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        assert server.post("/v1/t", VIEW | {"writeKey": public}, headers=origin).status_code == 403
    assert server.post("/v1/t", VIEW, headers=basic(private)).status_code == 200


def test_without_keys_this_machine_is_answered_but_no_page_and_no_name_of_elsewhere(server):
    assert server.post("/v1/track", VIEW).status_code == 200
    assert server.post("/v1/track", VIEW, headers={"origin": "http://localhost:3000"}).status_code == 200
    for headers in ({"origin": PAGE}, {"host": "shop.example"}, {"origin": "null"}):
        assert server.post("/v1/track", VIEW, headers=headers).status_code == 401


def test_an_address_of_all_is_refused_without_keys(shop):
    said: list[str] = []
    with pytest.raises(UnsafeError, match="regulars keys create"):
        run(shop, ServeSettings(host="192.0.2.1", port=1), announce=lambda: said.append("serves"))
    assert not said


def test_who_asks_too_often_waits(start, keys):
    secret, other = (keys.create(name, ["ingest"], who="ada")[1] for name in "ab")
    server = start(requests_per_key=5, requests_per_address=2)
    answers = [server.post("/v1/track", VIEW, headers=basic(secret)) for _ in range(7)]
    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert server.post("/v1/track", VIEW, headers=basic(other)).status_code == 200
    guesses = [server.post("/v1/track", VIEW, headers=basic("guess")).status_code for _ in range(4)]
    assert guesses[:2] == [401, 401]
    assert guesses[-1] == 429


def test_the_address_behind_a_proxy_is_believed_of_proxies_that_are_named_alone(start, keys):
    secret = keys.create("page", ["ingest"], who="ada", origins=[PAGE])[1]
    server = start(proxies=("127.0.0.1",), requests_per_address=1)

    def post(forwarded: str) -> int:
        headers = {"origin": PAGE, "x-forwarded-for": forwarded}
        return server.post("/v1/t", VIEW | {"writeKey": secret}, headers=headers).status_code

    assert [post("192.0.2.1"), post("192.0.2.2"), post("192.0.2.1")] == [200, 200, 429]
    # What stands before the last address was said by the sender.
    assert post("192.0.2.9, 192.0.2.2") == 429


def test_keys_on_the_command_line(cli, shop):
    code, secret, told = cli("keys", "create", "till", "--by", "ada", "--shop", shop.folder)
    assert (code, secret.startswith(PREFIX)) == (0, True)
    assert "not shown again" in told
    code, shown, _ = cli("keys", "list", "--json", "--shop", shop.folder)
    assert secret.strip() not in shown
    assert [(key["name"], key["scopes"]) for key in json.loads(shown)] == [("till", ["ingest"])]
    assert cli("keys", "revoke", 1, "--by", "bob", "--shop", shop.folder)[0] == 0
    _, changes, _ = cli("keys", "changes", "--json", "--shop", shop.folder)
    assert [(change["who"], change["what"]) for change in json.loads(changes)] == [
        ("ada", "created"),
        ("bob", "revoked"),
    ]
    assert cli("keys", "revoke", 7, "--shop", shop.folder)[0] == 8
    assert cli("keys", "create", "x", "--scope", "all", "--shop", shop.folder)[0] == 5


@pytest.mark.parametrize("headers", [{"host": "["}, {"origin": "http://["}])
def test_an_address_that_is_none_is_a_stranger_s(server, headers):
    assert server.post("/v1/track", VIEW, headers=headers).status_code == 401
