"""kill -9 during traffic, a drain, and a tampered audit file."""

from __future__ import annotations

import contextlib
import pathlib
import re
import threading

from websockets.exceptions import ConnectionClosed

import publishing
import web
import wire
from node import Node
from world import World

TRAFFIC_MESSAGES = 150
CLIENTS = 3


class Traffic:
    """Clients that publish to themselves until their connections end."""

    def __init__(self, node: Node, token: str):
        self.enough = threading.Semaphore(0)
        self.threads = [
            threading.Thread(target=self.talk, args=(node, token), daemon=True)
            for _ in range(CLIENTS)
        ]
        for thread in self.threads:
            thread.start()

    def talk(self, node: Node, token: str) -> None:
        with contextlib.suppress(ConnectionClosed, OSError), wire.dial(node, token) as connection:
            connection.send(f"subscribe:{publishing.TOPIC}")
            while True:
                publishing.publish(connection, publishing.message(None))
                connection.recv(timeout=wire.ANSWER_SECONDS_MAX)
                self.enough.release()

    def wait(self) -> None:
        """Until messages flow."""
        for _ in range(TRAFFIC_MESSAGES):
            assert self.enough.acquire(timeout=wire.ANSWER_SECONDS_MAX), "no traffic"

    def join(self) -> None:
        for thread in self.threads:
            thread.join(timeout=wire.ANSWER_SECONDS_MAX)
            assert not thread.is_alive(), "a client did not notice that the server is gone"


def refresh(node: Node, token: str) -> web.Answer:
    return web.post_json(f"{node.http}/auth/refresh", {"refresh_token": token})


def audit_file(node: Node) -> pathlib.Path:
    found = [path for path in node.data.rglob("*audit*") if path.suffix in (".jsonl", ".log")]
    assert len(found) == 1, f"one audit file expected: {found}"
    return found[0]


def case_users_tokens_and_revocations_outlive_kill_9(world: World) -> None:
    node = world.start()
    kept = web.sign_in(node, "testuser", "kept-session")
    revoked = web.sign_in(node)
    assert web.post_json(f"{node.http}/auth/logout", {}, revoked["token"]).status == 204
    traffic = Traffic(node, web.sign_in(node, "user123")["token"])
    traffic.wait()
    node.crash()
    traffic.join()
    node.start()
    web.sign_in(node)
    renewed = refresh(node, kept["refresh_token"])
    assert renewed.status == 200, renewed
    assert web.claims(renewed.json()["token"])["sid"] == "kept-session"
    with wire.dial(node, kept["token"]) as connection:
        wire.settle(connection)
    assert wire.refusal(node, revoked["token"]) == (1008, "Invalid or expired token")
    assert refresh(node, revoked["refresh_token"]).status == 401
    assert node.drain() == 0
    verified = node.command("audit", "verify")
    assert verified.returncode == 0, verified


def case_a_refresh_token_used_before_kill_9_is_still_spent(world: World) -> None:
    node = world.start()
    first = web.sign_in(node)["refresh_token"]
    second = refresh(node, first).json()["refresh_token"]
    third = refresh(node, second).json()["refresh_token"]
    node.crash()
    node.start()
    assert refresh(node, first).status == 401
    assert refresh(node, third).status == 401, "the family of a reused token must be revoked"


def case_a_byte_cut_from_the_audit_file_is_found(world: World) -> None:
    node = world.start()
    for user in ("user", "testuser", "user123"):
        with wire.dial(node, web.sign_in(node, user)["token"]) as connection:
            wire.settle(connection)
    wire.refusal(node, "not.a.token")
    assert node.drain() == 0
    assert node.command("audit", "verify").returncode == 0
    path = audit_file(node)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) >= 5, f"only {len(lines)} audit lines"
    for number in (1, len(lines) // 2, len(lines)):
        line = lines[number - 1]
        cut = [*lines[: number - 1], line[: len(line) // 2] + line[len(line) // 2 + 1 :]]
        path.write_bytes(b"".join([*cut, *lines[number:]]))
        told = node.command("audit", "verify")
        assert told.returncode != 0, f"line {number} was cut and passed"
        said = told.stdout + told.stderr
        assert re.search(rf"line {number}\b", said), f"line {number} was cut, but: {said}"


def case_a_drain_says_1001_and_ends_with_0(world: World) -> None:
    node = world.start()
    with wire.dial(node, web.sign_in(node)["token"]) as connection:
        wire.settle(connection)
        ended: list[int] = []
        drain = threading.Thread(target=lambda: ended.append(node.drain()))
        drain.start()
        assert wire.closing(connection)[0] == 1001
    drain.join()
    assert ended == [0], ended


def case_a_second_server_on_the_port_fails_loudly(world: World) -> None:
    node = world.start()
    address = f"--listen=127.0.0.1:{node.port}"
    second = node.command("serve", "--dev", address)
    assert second.returncode != 0
    assert str(node.port) in second.stderr, second


def case_secrets_never_reach_the_log_or_the_audit_file(world: World) -> None:
    node = world.start()
    made = web.sign_in(node)
    with wire.dial(node, made["token"]) as connection:
        wire.settle(connection)
    web.post_form(f"{node.http}/token", username="user", password="a-wrong-password")
    assert node.drain() == 0
    written = node.log_path.read_text(errors="replace") + audit_file(node).read_text()
    for secret in (made["token"], made["refresh_token"], "a-wrong-password"):
        assert secret not in written, "a secret was written"
