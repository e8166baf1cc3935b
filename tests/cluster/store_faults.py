"""Faults of Redis and of PostgreSQL, which all nodes share."""

from __future__ import annotations

import time

import revocation
from fault import NOTICED_SECONDS_MAX, fault, until_degraded
from process import until
from stage import Stage

NOTHING_LOST_WITHOUT_REDIS = "degraded; sends are acked, new clients come in, connections stay"


def without_redis(stage: Stage, take_away, bring_back) -> str:
    began = time.monotonic()
    take_away()
    try:
        until_degraded(stage)
        noticed = time.monotonic() - began
        stage.wait_for_acks([plan["name"] for plan in stage.writers], "acks without Redis")
        for node in stage.nodes:
            stage.check_new_client(node)
        stage.hold(stage.seconds)
        stage.check_stayed(began)
    finally:
        bring_back()
    return f"degraded after {noticed:.1f} s"


@fault("Redis shut down, started again", NOTHING_LOST_WITHOUT_REDIS)
def redis_restarted(stage: Stage) -> str:
    redis = stage.cluster.redis
    return without_redis(stage, redis.stop, redis.start)


@fault("Redis hung", NOTHING_LOST_WITHOUT_REDIS)
def redis_hung(stage: Stage) -> str:
    redis = stage.cluster.redis
    return without_redis(stage, redis.hang, redis.go_on)


@fault("Redis failed over, its data lost", "rooms miss nothing, gaps of topics are shown, connections stay")
def redis_lost_its_data(stage: Stage) -> None:
    began = time.monotonic()
    redis = stage.cluster.redis
    redis.ask("FLUSHALL")
    redis.crash()
    redis.start()
    stage.wait_for_acks([plan["name"] for plan in stage.writers], "acks with an empty Redis")
    until(stage.cluster.is_whole, 60, "all are on the new Redis")
    stage.check_stayed(began)


NO_ACK_WITHOUT_POSTGRES = "no acks, sends are refused as unavailable; topics go on, connections stay"


def without_postgres(stage: Stage, take_away, bring_back) -> str:
    began = time.monotonic()
    take_away()
    away = time.monotonic()
    try:
        refused = lambda: any(  # noqa: E731
            at > away and code == "unavailable" for at, _, code in stage.ledger.refusals
        )
        stage.ledger.wait(refused, 15, "a send is refused as unavailable")
        said = time.monotonic() - away
        for node in stage.nodes:
            unready = lambda node=node: "store" in node.health()  # noqa: E731
            until(unready, NOTICED_SECONDS_MAX, f"{node.name} says that its store is away")
        moment = time.monotonic()
        passing = lambda: stage.ledger.ticked_since(moment, stage.watchers)  # noqa: E731
        stage.ledger.wait(passing, 5, "topics go on without PostgreSQL")
        stage.hold(stage.seconds)
        stage.check_stayed(began)
        acked = stage.ledger.sent_and_acked_between(away, time.monotonic())
        assert not acked, f"acked without a store: {acked[:3]}"
    finally:
        bring_back()
    return f"refused after {said:.1f} s"


@fault("PostgreSQL shut down, started again", NO_ACK_WITHOUT_POSTGRES)
def postgres_restarted(stage: Stage) -> str:
    postgres = stage.cluster.postgres
    return without_postgres(stage, postgres.stop, postgres.start)


@fault("PostgreSQL killed, recovering", NO_ACK_WITHOUT_POSTGRES)
def postgres_killed(stage: Stage) -> str:
    postgres = stage.cluster.postgres
    return without_postgres(stage, postgres.crash, postgres.start)


@fault("PostgreSQL hung", NO_ACK_WITHOUT_POSTGRES)
def postgres_hung(stage: Stage) -> str:
    postgres = stage.cluster.postgres
    return without_postgres(stage, postgres.hang, postgres.go_on)


@fault("slow disk: each commit 100 ms later", "sends are acked, later; connections stay")
def slow_disk(stage: Stage) -> str:
    began = time.monotonic()
    postgres = stage.cluster.postgres
    postgres.delay_commits(100_000)
    try:
        slow = time.monotonic()
        stage.wait_for_acks([plan["name"] for plan in stage.writers], "acks from a slow disk")
        stage.hold(stage.seconds)
        acks = stage.ledger.sent_and_acked_between(slow, time.monotonic())
        stage.check_stayed(began)
    finally:
        postgres.delay_commits(0)
    # A batch does one call after the other.
    waits = sorted(ack.acked - ack.sent for ack in acks if not ack.user.startswith("batch"))
    return f"ack after {waits[len(waits) // 2] * 1000:.0f} ms (median)"


@fault("a user is revoked while Redis is away", "closed on every node within 2 s")
def revoked_without_redis(stage: Stage) -> str:
    redis = stage.cluster.redis
    redis.stop()
    try:
        until_degraded(stage)
        return revocation.play(stage)
    finally:
        redis.start()
