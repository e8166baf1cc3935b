"""What nobody's library sends: raw frames of Engine.IO and Socket.IO, wrong on purpose."""

from __future__ import annotations

import contextlib
import json
import re

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import rooms
import web
import wire
from world import World

# Time until a socket without CONNECT is closed, and some more.
UNNAMED_SECONDS_MAX = 8


def dial(world: World, query: str = "EIO=4&transport=websocket") -> ClientConnection:
    """A session of Engine.IO that has got its open packet."""
    url = f"{world.node.http.replace('http', 'ws')}/socket.io/?{query}"
    connection = connect(url, open_timeout=wire.ANSWER_SECONDS_MAX, close_timeout=2, max_size=None)
    opened = wire.text(connection)
    assert opened[0] == "0", opened
    handshake = json.loads(opened[1:])
    assert set(handshake) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    assert (handshake["pingInterval"], handshake["pingTimeout"]) == (25_000, 20_000), handshake
    assert (handshake["maxPayload"], handshake["upgrades"]) == (65_536, []), handshake
    return connection


def sign_on(connection: ClientConnection, user: str = "raw") -> None:
    """CONNECT, until everything missed was pushed."""
    connection.send("40" + json.dumps({"token": rooms.token(user)}))
    assert re.fullmatch(r'40\{"sid":"[^"]+","pid":"[^"]+"\}', wire.text(connection))
    while not wire.text(connection).startswith('42["offline.end"'):
        pass


def answered(connection: ClientConnection, ack: int) -> dict:
    """The answer that has this number; events before it are passed over."""
    while True:
        packet = wire.text(connection)
        if packet.startswith(f"43{ack}["):
            return json.loads(packet.removeprefix(f"43{ack}"))[0]


def ends(connection: ClientConnection, seconds: float = wire.ANSWER_SECONDS_MAX) -> None:
    """The server must end the connection, with a Close, having said nothing more of Socket.IO."""
    try:
        while True:
            packet = connection.recv(timeout=seconds)
            assert packet in ("1", "2"), f"instead of an end came {packet!r}"
    except ConnectionClosed as end:
        assert end.rcvd is not None, "the connection was cut without a Close"


def each_ends(world: World, hostile: dict[str, list]) -> None:
    """Each of these ends its own connection and no other."""
    with dial(world) as bystander:
        sign_on(bystander, "bystander")
        for name, frames in hostile.items():
            with dial(world) as connection:
                sign_on(connection)
                with contextlib.suppress(ConnectionClosed):
                    for frame in frames:
                        connection.send(frame)
                try:
                    ends(connection)
                except (AssertionError, TimeoutError) as fault:
                    raise AssertionError(f"{name}: {fault!r}") from fault
        bystander.send('4217["message:getOfflineCount"]')
        assert answered(bystander, 17)["success"] is True


def case_packets_that_break_the_protocol_end_their_connection(world: World) -> None:
    each_ends(world, {
        "empty message": [""],
        "unknown engine packet": ["9"],
        "second open": ['0{"sid":"x"}'],
        "ping of a client": ["2"],
        "unknown packet": ["47"],
        "no number": ["4x"],
        "no payload": ["42"],
        "object payload": ["42{}"],
        "empty payload": ["42[]"],
        "cut payload": ['42["sendMessage",{"a":'],
        "two payloads": ['42["a"]["b"]'],
        "not JSON": ['42["a",undefined]'],
        "lone surrogate as a name": ['42["\\ud800"]'],
        "connect error of a client": ['44{"message":"x"}'],
        "giant ack number": ['4299999999999999999999999["message:getOfflineCount"]'],
        "giant namespace": ["42/" + "n" * 20_000 + ',["a"]'],
        "event in another namespace": ['42/admin,["sendMessage",{}]'],
    })


def case_event_names_that_would_confuse_emitters_end_their_connection(world: World) -> None:
    reserved = ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
    named = {name: [f'42["{name}",{{}}]'] for name in reserved}
    objects = {
        "object": ['42[{"toString":"x"},{}]'],
        "array": ['42[["sendMessage"],{}]'],
        "null": ["42[null,{}]"],
        "true": ["42[true,{}]"],
        "placeholder": ['451-[{"_placeholder":true,"num":0}]', b"\x00"],
    }
    each_ends(world, named | objects)


def case_names_of_object_members_are_unknown_events(world: World) -> None:
    with dial(world) as connection:
        sign_on(connection)
        for ack, name in enumerate(("__proto__", "constructor", "hasOwnProperty", "toString", "error", "")):
            connection.send(f"42{ack}" + json.dumps([name, {}]))
            assert answered(connection, ack)["code"] == "unknown_event", name


def case_binary_packets_that_do_not_add_up_end_their_connection(world: World) -> None:
    placeholder = '{"_placeholder":true,"num":%s}'
    each_ends(world, {
        "giant count": ['45999999999-["sendMessage",{}]'],
        "count over any number": ["45" + "9" * 400 + '-["sendMessage",{}]'],
        "no count": ['45-["sendMessage",{}]'],
        "count without a dash": ['451["sendMessage",{}]'],
        "negative count": ['45-1-["sendMessage",{}]'],
        "number out of range": [f'451-["sendMessage",{placeholder % 1}]', b"\x01"],
        "negative number": [f'451-["sendMessage",{placeholder % -1}]', b"\x01"],
        "fractional number": [f'451-["sendMessage",{placeholder % 0.5}]', b"\x01"],
        "number that is text": ['451-["sendMessage",' + placeholder % '"0"' + "]", b"\x01"],
        "attachment nobody announced": [b"\x01\x02"],
        "text among attachments": [f'451-["sendMessage",{placeholder % 0}]', '42["typing:get",{}]'],
    })


def case_binary_data_is_refused_in_the_ack(world: World) -> None:
    with dial(world) as connection:
        sign_on(connection)
        connection.send('451-5["sendMessage",{"content":{"_placeholder":true,"num":0}}]')
        connection.send(b"\x00\x01")
        refused = answered(connection, 5)
        assert (refused["success"], refused["code"]) == (False, "bad_request"), refused
        # That was all of it.
        connection.send(b"\x02")
        ends(connection)


def case_deep_nesting_is_an_argument_like_any_other(world: World) -> None:
    deep = "[" * 30_000 + "]" * 30_000
    with dial(world) as connection:
        sign_on(connection)
        for ack, (name, data) in enumerate((("none", deep), ("sendMessage", f'{{"content":{deep}}}'))):
            connection.send(f'42{ack}["{name}",{data}]')
            assert answered(connection, ack)["code"] in ("unknown_event", "bad_request")


def case_only_connect_may_come_first(world: World) -> None:
    for frame in ('42["sendMessage",{"content":"x"}]', "41", "431[]", '450-["a"]', '44{"message":"x"}',
                  '451-["a",{"_placeholder":true,"num":0}]', b"\x01"):
        with dial(world) as connection:
            connection.send(frame)
            ends(connection)


def case_a_second_connect_ends_the_connection(world: World) -> None:
    token = json.dumps({"token": rooms.token("raw")})
    with dial(world) as connection:
        sign_on(connection)
        connection.send(f"40{token}")
        ends(connection)
    with dial(world) as connection:
        # Both at once, before the first is answered.
        connection.send(f"40{token}")
        connection.send(f"40{token}")
        with contextlib.suppress(ConnectionClosed):
            while True:
                packet = wire.text(connection)
                assert packet[:2] in ("40", "42") or packet in ("1", "2"), packet


def case_who_never_connects_is_closed(world: World) -> None:
    with dial(world) as silent, dial(world) as elsewhere:
        elsewhere.send("40/other,")
        assert wire.text(elsewhere) == '44/other,{"message":"Invalid namespace"}'
        for connection in (silent, elsewhere):
            ends(connection, UNNAMED_SECONDS_MAX)


def case_the_connect_payload_can_be_anything(world: World) -> None:
    for payload in ("", "[]", "null", '"x"', "{", '{"token":1}', '{"token":{"a":1}}', '{"token":null}',
                    '{"token":"a","token":"b"}', '{"token":"' + "x" * 20_000 + '"}',
                    '{"token":"x","pid":7,"offset":[]}'):
        with dial(world) as connection:
            connection.send(f"40{payload}")
            try:
                packet = wire.text(connection)
            except ConnectionClosed:
                continue
            if packet == "1":
                continue
            assert packet.startswith("44"), (payload, packet)
            error = json.loads(packet[2:])
            assert error["data"] == {"code": 4001} and "authentication" in error["message"], error


def case_a_message_over_the_limit_closes(world: World) -> None:
    with dial(world) as connection:
        sign_on(connection)
        with contextlib.suppress(ConnectionClosed):
            connection.send('42["sendMessage",{"content":"' + "x" * 70_000 + '"}]')
        ends(connection)


def case_a_flood_is_refused_then_closed(world: World) -> None:
    room = rooms.create(world.node, rooms.token("raw"), [])
    with dial(world) as connection:
        sign_on(connection)
        with contextlib.suppress(ConnectionClosed):
            for number in range(400):
                connection.send(f"42{number}" + json.dumps(["typing", {"channelId": room}]))
        codes = []
        with contextlib.suppress(ConnectionClosed):
            while packet := wire.text(connection):
                if packet.startswith(("42", "43")):
                    # The last argument but for an offset, which is a string.
                    data = [each for each in json.loads(packet[packet.index("[") :]) if isinstance(each, dict)]
                    codes += [each.get("code") for each in data]
        assert codes.count("rate_limited") >= 100, codes[-5:]


def case_requests_that_are_no_handshake_are_400(world: World) -> None:
    base = f"{world.node.http}/socket.io/"
    # Long-polling is off by default.
    for method, query in (
        ("GET", "EIO=4&transport=polling"),
        ("POST", "EIO=4&transport=polling"),
        ("POST", "EIO=4&transport=polling&sid=x"),
        ("GET", "EIO=4&transport=websocket"),
        ("GET", "EIO=3&transport=polling"),
        ("GET", ""),
    ):
        answer = web.call(method, f"{base}?{query}", body=b"\x00\x01" if method == "POST" else None)
        assert answer.status == 400, (method, query, answer)
    for query in ("transport=websocket", "EIO=3&transport=websocket", "EIO=4", "EIO=4&transport=carrier",
                  "EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA"):
        try:
            dial(world, query).close()
        except (InvalidStatus, ConnectionClosed) as refusal:
            assert isinstance(refusal, ConnectionClosed) or refusal.response.status_code == 400, refusal
        else:
            raise AssertionError(f"{query} was let in")


def case_after_all_this_the_server_is_well(world: World) -> None:
    with dial(world) as connection:
        sign_on(connection)
        connection.send('421["message:getOfflineCount"]')
        assert answered(connection, 1) == {"success": True, "data": {"count": 0}}
    log = world.node.log_path.read_text(errors="replace")
    assert "panicked" not in log, log[-2000:]
