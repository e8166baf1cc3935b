"""Faults of one node, or of what lies between it and the rest."""

from __future__ import annotations

import time

import revocation
import storm
from borrowed import rooms, web
from fault import NOTICED_SECONDS_MAX, fault
from process import until
from stage import Stage

GHOST_SECONDS_MAX = 15


@fault("partition of a node", "it is not ready; the others go on; its connections stay and catch up")
def partition(stage: Stage) -> str:
    began = time.monotonic()
    number = stage.dice.randrange(len(stage.nodes))
    node = stage.nodes[number]
    for link in node.links:
        link.hang()
    try:
        until(lambda: not node.is_ready(), NOTICED_SECONDS_MAX, f"{node.name} is not ready")
        out = until(
            lambda: node.name not in stage.cluster.entrance.up(),
            NOTICED_SECONDS_MAX,
            "HAProxy sends it nobody",
        )
        through = [plan["name"] for plan in stage.writers if plan["ports"] == [stage.cluster.entrance.port]]
        stage.wait_for_acks(through, "acks from the other nodes", 30)
        stage.hold(stage.seconds)
        stage.check_stayed(began)
    finally:
        for link in node.links:
            link.go_on()
    return f"{node.name}; out of HAProxy {out:.1f} s after it said so"


@fault("all connections of a node to Redis and PostgreSQL reset", "it makes new ones; connections stay")
def reset(stage: Stage) -> str:
    began = time.monotonic()
    node = stage.dice.choice(stage.nodes)
    for link in node.links:
        link.crash()
    for link in node.links:
        link.start()
    until(lambda: node.health() == "ready", NOTICED_SECONDS_MAX, f"{node.name} is ready")
    stage.check_stayed(began)
    return node.name


@fault("a node cut off from Redis alone", "degraded; what it stored is heard everywhere when it is back")
def cut_off_from_redis(stage: Stage) -> str:
    began = time.monotonic()
    number = stage.dice.randrange(len(stage.nodes))
    node = stage.nodes[number]
    others = [each for each in stage.nodes if each is not node]
    with stage.quiet_room(others) as connections:
        node.to_redis.hang()
        try:
            until(lambda: node.health() == "degraded", NOTICED_SECONDS_MAX, f"{node.name} is degraded")
            text = stage.say_quietly(node)
            stage.hold(stage.seconds)
        finally:
            node.to_redis.crash()
            node.to_redis.start()
        back = time.monotonic()
        for connection in connections:
            rooms.heard(connection, "user_message", content=text)
        stage.check_stayed(began)
    return f"{node.name}; heard {time.monotonic() - back:.1f} s after"


@fault("kill -9 of a node that has acked and told nobody", "what it stored is heard everywhere")
def killed_before_it_told(stage: Stage) -> str:
    number = stage.dice.randrange(len(stage.nodes))
    node = stage.nodes[number]
    others = [each for each in stage.nodes if each is not node]
    with stage.quiet_room(others) as connections:
        node.to_redis.hang()
        try:
            text = stage.say_quietly(node)
            node.crash()
        finally:
            node.to_redis.crash()
            node.to_redis.start()
            if not node.alive:
                node.start()
        back = time.monotonic()
        for connection in connections:
            rooms.heard(connection, "user_message", content=text)
    return f"{node.name}; heard {time.monotonic() - back:.1f} s after"


def clock_jump(stage: Stage, seconds: int) -> str:
    began = time.monotonic()
    node = stage.nodes[-1]
    node.turn_clock(seconds)
    try:
        off = lambda: abs(clock_of(stage, node) - time.time() - seconds) < 30  # noqa: E731
        until(off, NOTICED_SECONDS_MAX, f"{node.name} has another time of day")
        stage.check_new_client(node)
        stage.wait_for_acks([plan["name"] for plan in stage.writers], "acks with a wrong clock")
        stage.hold(stage.seconds)
        stage.check_stayed(began)
    finally:
        node.turn_clock(0)
    return node.name


def clock_of(stage: Stage, node) -> float:
    stats = stage.stats(node)
    return stats["timestamp"] if stats else 0


@fault("clock of a node 10 minutes ahead, and back", "order and connections do not mind")
def clock_ahead(stage: Stage) -> str:
    return clock_jump(stage, 600)


@fault("clock of a node 10 minutes back, and right again", "order and connections do not mind")
def clock_back(stage: Stage) -> str:
    return clock_jump(stage, -600)


@fault("kill -9 of a node, started at once", "its clients go on elsewhere, nothing is missing")
def killed(stage: Stage) -> str:
    node = stage.dice.choice(stage.nodes)
    node.crash()
    node.start()
    return node.name


@fault("kill -9 of a node that stays away", "its presence and counts are gone within 15 s", quick=False)
def ghosts(stage: Stage) -> str:
    node, other = stage.dice.sample(stage.nodes, 2)
    user = f"resident{stage.dice.randrange(10**6)}"
    resident = revocation.feed(node, user, stage.token(user))
    path = f"{other.http}/api/v1/users/{user}"

    def seen() -> tuple[int, bool]:
        answer = web.call("GET", path, headers=web.bearer(stage.admin))
        told = answer.json() if answer.status == 200 else {}
        return told.get("connections", -1), told.get("is_online", False)

    until(lambda: seen() == (1, True), NOTICED_SECONDS_MAX, "the other node knows the resident")
    node.crash()
    try:
        resident.socket.close()
        gone = until(lambda: seen() == (0, False), GHOST_SECONDS_MAX, "the resident is no ghost")
    finally:
        node.start()
    return f"gone after {gone:.1f} s"


@fault("a node hung", "the others go on; its connections stay and catch up")
def node_hung(stage: Stage) -> str:
    began = time.monotonic()
    node = stage.dice.choice(stage.nodes)
    node.hang()
    try:
        until(lambda: node.name not in stage.cluster.entrance.up(), 10, "HAProxy sends it nobody")
        through = [plan["name"] for plan in stage.writers if plan["ports"] == [stage.cluster.entrance.port]]
        stage.wait_for_acks(through, "acks from the other nodes", 30)
        stage.hold(stage.seconds)
    finally:
        node.go_on()
    stage.check_stayed(began)
    return node.name


@fault("rolling restart under load", "each ends with 0; clients go on elsewhere, nothing is missing")
def rolling_restart(stage: Stage) -> str:
    longest = 0.0
    for node in stage.nodes:
        began = time.monotonic()
        code = node.stop()
        longest = max(longest, time.monotonic() - began)
        assert code == 0, f"{node.name} ended with {code}\n{node.log_tail()}"
        node.start()
        until(stage.cluster.is_whole, 30, f"{node.name} is back in")
    return f"longest drain {longest:.1f} s"


@fault("kill -9 of a node with a crowd", "all come back; a new client comes in within 1 s (p99)")
def reconnect_storm(stage: Stage) -> str:
    return storm.play(stage)


@fault("a user is revoked", "closed on every node within 2 s")
def revoked(stage: Stage) -> str:
    return revocation.play(stage)
