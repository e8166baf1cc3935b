"""Topics inside a session, as text commands."""

from __future__ import annotations

import json

import web
import wire
from world import World

TOPIC = "NetworkConnectedEvent"


def message(session: str | None, payload="Network connected", **fields) -> dict:
    made = {
        "publisher_name": "Client1",
        "topic": TOPIC,
        "payload": payload,
        "timestamp": "2024-01-24T10:25:37Z",
    }
    if session is not None:
        made["session_id"] = session
    return made | fields


def publish(connection, body: dict) -> None:
    connection.send(f"publish-json:{json.dumps(body)}")


def case_one_session_talks_and_another_hears_nothing(world: World) -> None:
    inside = web.sign_in(world.node, "testuser", "my-session")["token"]
    outside = web.sign_in(world.node, "testuser", "other-session")["token"]
    with (
        wire.dial(world.node, inside) as alice,
        wire.dial(world.node, inside) as bob,
        wire.dial(world.node, outside) as stranger,
    ):
        for connection in (alice, bob, stranger):
            connection.send(f"subscribe:{TOPIC}")
            wire.settle(connection)
        sent = message("my-session")
        publish(alice, sent)
        for connection in (alice, bob):
            assert wire.frame(connection) == sent | {"user": "testuser"}
        answer = message("my-session", payload={"any": ["json", 1, None]})
        publish(bob, answer)
        assert wire.frame(alice) == answer | {"user": "testuser"}
        # The stranger's own message is the first it ever gets, so nothing was on its way to it.
        own = message("other-session", payload="mine")
        publish(stranger, own)
        assert wire.frame(stranger) == own | {"user": "testuser"}
        wire.settle(stranger)


def case_a_session_named_in_the_subscription_must_be_ones_own(world: World) -> None:
    token = web.sign_in(world.node, "testuser", "user-session-456")["token"]
    with wire.dial(world.node, token) as connection:
        connection.send("subscribe:AuthenticatedTestTopic|user-session-456")
        wire.settle(connection)
        connection.send("subscribe:AuthenticatedTestTopic|somebody-else")
        error = wire.frame(connection)
        assert (error["type"], error["code"]) == ("error", "forbidden"), error
        assert error["command"] == "subscribe", error
        publish(connection, message("somebody-else"))
        error = wire.frame(connection)
        assert (error["code"], error["command"]) == ("forbidden", "publish-json"), error


def case_without_a_session_the_message_stays_in_ones_own(world: World) -> None:
    with wire.dial(world.node, web.sign_in(world.node)["token"]) as connection:
        connection.send(f"subscribe:{TOPIC}")
        publish(connection, message(None))
        received = wire.frame(connection)
        assert received["session_id"] == "session-user" and received["user"] == "user", received


def case_anonymous_clients_talk_in_the_session_they_name(world: World) -> None:
    with wire.dial(world.node) as one, wire.dial(world.node) as two:
        for connection, name in ((one, "Client1"), (two, "WebClient1")):
            connection.send(f"register-name:{name}")
            connection.send("register-session:user-session-123")
            connection.send(f"subscribe:{TOPIC}|user-session-123")
            wire.settle(connection)
        sent = message("user-session-123")
        publish(one, sent)
        for connection in (one, two):
            assert wire.frame(connection) == sent | {"user": None}


def case_an_anonymous_session_is_not_the_named_one(world: World) -> None:
    token = web.sign_in(world.node, "testuser", "guarded")["token"]
    with wire.dial(world.node, token) as owner, wire.dial(world.node) as squatter:
        owner.send(f"subscribe:{TOPIC}")
        wire.settle(owner)
        squatter.send("register-session:guarded")
        squatter.send(f"subscribe:{TOPIC}|guarded")
        wire.settle(squatter)
        publish(squatter, message("guarded", payload="squatter"))
        assert wire.frame(squatter)["payload"] == "squatter"
        publish(owner, message("guarded", payload="owner"))
        assert wire.frame(owner)["payload"] == "owner"
        wire.settle(squatter)


def case_unsubscribing_ends_delivery(world: World) -> None:
    with wire.dial(world.node, web.sign_in(world.node)["token"]) as connection:
        connection.send(f"subscribe:{TOPIC}")
        connection.send(f"unsubscribe:{TOPIC}")
        publish(connection, message(None))
        wire.settle(connection)


def case_subscribing_twice_delivers_once(world: World) -> None:
    with wire.dial(world.node, web.sign_in(world.node)["token"]) as connection:
        connection.send(f"subscribe:{TOPIC}")
        connection.send(f"subscribe:{TOPIC}")
        publish(connection, message(None))
        assert wire.frame(connection)["payload"] == "Network connected"
        wire.settle(connection)


def case_messages_of_one_publisher_keep_their_order(world: World) -> None:
    token = web.sign_in(world.node)["token"]
    with wire.dial(world.node, token) as sender, wire.dial(world.node, token) as reader:
        reader.send(f"subscribe:{TOPIC}")
        wire.settle(reader)
        for number in range(90):
            publish(sender, message(None, payload=number))
        assert [wire.frame(reader)["payload"] for _ in range(90)] == list(range(90))


def case_a_key_given_twice_is_refused(world: World) -> None:
    with wire.dial(world.node, web.sign_in(world.node)["token"]) as connection:
        connection.send(f'publish-json:{{"topic":"{TOPIC}","topic":"x","payload":1}}')
        assert wire.frame(connection)["code"] == "bad_request"


def case_an_ack_answers_each_command_where_asked_for(world: World) -> None:
    token = web.sign_in(world.node)["token"]
    with wire.dial(world.node, token, query="ack=1") as connection:
        connection.send(f"subscribe:{TOPIC}")
        assert wire.frame(connection) == {"type": "ack", "command": "subscribe", "topic": TOPIC}


def case_a_listener_that_subscribes_gets_no_more_broadcasts(world: World) -> None:
    token = web.sign_in(world.node)["token"]
    with wire.dial(world.node, token) as subscriber, wire.dial(world.node, token) as sender:
        subscriber.send(f"subscribe:{TOPIC}")
        wire.settle(subscriber)
        sender.send('{"type":"news"}')
        assert wire.frame(sender)["type"] == "news"
        publish(subscriber, message(None))
        assert wire.frame(subscriber)["topic"] == TOPIC
        wire.settle(subscriber)


def case_a_token_is_renewed_in_band(world: World) -> None:
    first = web.sign_in(world.node, "testuser", "renewed")["token"]
    second = web.sign_in(world.node, "testuser", "renewed")["token"]
    foreign = web.sign_in(world.node, "user")["token"]
    with wire.dial(world.node, first) as connection:
        connection.send(f"auth:{second}")
        assert wire.frame(connection) == {"type": "auth_success"}
        connection.send(f"auth:{foreign}")
        assert wire.frame(connection)["code"] == "forbidden"
