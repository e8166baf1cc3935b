"""Sign-in lines as documented, refresh, sign-out, tickets."""

from __future__ import annotations

import json
import subprocess

import web
import wire
from world import World

# The documented lines; only the port differs.
TOKEN_LINE = """curl -X POST "http://localhost:8000/token" \\
  -H "Content-Type: application/x-www-form-urlencoded" \\
  -d "username=user&password=password"
"""
AUTH_TOKEN_LINE = """curl -X POST http://localhost:8081/auth/token \\
  -H "Content-Type: application/json" \\
  -d '{"username":"testuser","password":"password","session_id":"my-session"}'
"""
TEST_TOKEN_LINE = 'curl "http://localhost:8000/test-token"\n'


def shell(world: World, line: str) -> dict:
    """Runs a documented line against the server; what it prints, as JSON."""
    for port in ("8000", "8081"):
        line = line.replace(f"localhost:{port}", f"localhost:{world.node.port}")
    done = subprocess.run(
        ["bash", "-c", line], env=world.environment(), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def case_curl_gets_a_token_by_the_form(world: World) -> None:
    printed = shell(world, TOKEN_LINE)
    assert printed["token_type"] == "bearer" and printed["expires_in"] == 1800, printed
    assert printed["refresh_token"], printed
    assert web.claims(printed["access_token"])["sub"] == "user"
    with wire.dial(world.node, printed["access_token"]) as connection:
        wire.settle(connection)


def case_curl_gets_a_token_for_a_session_by_json(world: World) -> None:
    printed = shell(world, AUTH_TOKEN_LINE)
    assert printed["expires_in"] == 3600 and printed["refresh_token"], printed
    payload = web.claims(printed["token"])
    assert payload["sub"] == "testuser" and payload["sid"] == "my-session", payload
    assert payload["exp"] - payload["iat"] == 3600, payload


def case_the_test_token_works(world: World) -> None:
    printed = shell(world, TEST_TOKEN_LINE)
    assert set(printed) == {"test_token", "note"}, printed
    with wire.dial(world.node, printed["test_token"]) as connection:
        connection.send('{"type":"test"}')
        assert wire.frame(connection)["user"] == "user"


def case_a_wrong_password_and_an_unknown_user_look_the_same(world: World) -> None:
    url = f"{world.node.http}/token"
    wrong = web.post_form(url, username="user", password="wrong")
    unknown = web.post_form(url, username="nobody", password="wrong")
    for answer in (wrong, unknown):
        assert answer.status == 401, answer
        assert answer.headers["www-authenticate"] == "Bearer", answer.headers
        assert answer.headers["content-type"].startswith("application/problem+json"), answer.headers
        assert answer.json()["detail"] == "Incorrect username or password", answer.body
    assert wrong.json() == unknown.json()


def case_a_refresh_gives_a_new_token_of_the_same_session(world: World) -> None:
    first = web.sign_in(world.node, "testuser", "refreshed")
    answer = web.post_json(
        f"{world.node.http}/auth/refresh", {"refresh_token": first["refresh_token"]}
    )
    assert answer.status == 200, answer
    renewed = answer.json()
    assert renewed["access_token"] == renewed["token"]
    assert renewed["refresh_token"] != first["refresh_token"]
    assert web.claims(renewed["token"])["sid"] == "refreshed"


def case_another_user_cannot_take_a_session(world: World) -> None:
    web.sign_in(world.node, "testuser", "taken")
    body = {"username": "user", "password": "password", "session_id": "taken"}
    assert web.post_json(f"{world.node.http}/auth/token", body).status == 403


def case_signing_out_closes_the_connection(world: World) -> None:
    token = web.sign_in(world.node)["token"]
    with wire.dial(world.node, token) as connection:
        wire.settle(connection)
        assert web.post_json(f"{world.node.http}/auth/logout", {}, token).status == 204
        code, _ = wire.closing(connection)
        assert code == 1008, code
    assert wire.refusal(world.node, token) == (1008, "Invalid or expired token")


def case_a_ticket_works_once(world: World) -> None:
    token = web.sign_in(world.node)["token"]
    made = web.post_json(f"{world.node.http}/auth/ticket", {}, token)
    assert made.status == 200 and made.json()["expires_in"] == 30, made
    query = f"ticket={made.json()['ticket']}"
    with wire.dial(world.node, query=query) as connection:
        connection.send('{"type":"test"}')
        assert wire.frame(connection)["user"] == "user"
    assert wire.refusal(world.node, query=query)[0] == 1008


def case_me_tells_who_a_token_is(world: World) -> None:
    token = web.sign_in(world.node, "testuser", "mine")["token"]
    answer = web.call("GET", f"{world.node.http}/auth/me", headers=web.bearer(token))
    assert answer.status == 200, answer
    assert answer.json()["user_id"] == "testuser" and answer.json()["session"] == "mine", answer
    assert web.call("GET", f"{world.node.http}/auth/me").status == 401


def case_only_monitors_see_the_statistics(world: World) -> None:
    url = f"{world.node.http}/ws/stats"
    monitor = web.sign_in(world.node, "admin")["token"]
    with wire.dial(world.node, web.sign_in(world.node)["token"]) as connection:
        wire.settle(connection)
        stats = web.call("GET", url, headers=web.bearer(monitor)).json()
    assert stats["success"] is True, stats
    assert stats["stats"]["websocket_manager"]["connection_types"]["topics"] >= 1, stats
    assert stats["stats"]["authentication"]["max_connections_per_user"] == 10, stats
    user = web.sign_in(world.node)["token"]
    assert web.call("GET", url, headers=web.bearer(user)).status == 403
