"""The Python client and its command line against a real server, a restart in between."""

from __future__ import annotations

import asyncio
import json
import pathlib
import subprocess
import sys

import rooms
import web
from node import Node, free_port
from world import SECRET, World

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "clients/python/src"
sys.path.insert(0, str(SOURCES))

from conclave_client import Client, Forbidden, Message, Publication, SignIn  # noqa: E402

PATIENCE_SECONDS = 60
COMMAND = [sys.executable, "-m", "conclave_client"]


def environment(world: World, node: Node, user: str = "user") -> dict[str, str]:
    return world.environment() | {
        "PYTHONPATH": str(SOURCES),
        "CONCLAVE_URL": node.http,
        "CONCLAVE_USER": user,
        "CONCLAVE_PASSWORD": "password",
    }


def ran(world: World, *arguments: str, code: int = 0, given: str = "", **settings: str) -> str:
    """What the command prints on the way to that exit code."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(world, world.node) | settings,
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == code, f"{arguments}: {done.returncode}: {done.stdout}{done.stderr}"
    if code:
        assert len(done.stderr.splitlines()) == 1, f"not one line: {done.stderr}"
    return done.stdout + done.stderr


def lines(printed: str) -> list[dict]:
    return [json.loads(line) for line in printed.splitlines()]


def case_the_command_prints_a_token_that_works(world: World) -> None:
    token = ran(world, "token").strip()
    me = web.call("GET", f"{world.node.http}/auth/me", headers=web.bearer(token))
    assert me.json()["user_id"] == "user", me
    claims = json.loads(ran(world, "--session", "mine", "token", "--claims"))
    assert (claims["sub"], claims["sid"]) == ("user", "mine"), claims


def case_errors_are_one_line_and_an_exit_code(world: World) -> None:
    printed = ran(world, "token", code=3, CONCLAVE_PASSWORD="wrong")
    assert printed == "error: Incorrect username or password (unauthenticated)\n", printed
    ran(world, "room", "not a room", "--send", "x", code=4)
    ran(world, "room", "nowhere", code=4)
    ran(world, "room", "general", code=5, CONCLAVE_URL=f"http://127.0.0.1:{free_port()}")
    ran(world, "room", "general", code=3, CONCLAVE_USER="", CONCLAVE_TOKEN="not.a.token")
    ran(world, "send", "[1]", code=1)
    ran(world, "token", code=1, CONCLAVE_PASSWORD="")


def case_what_is_broadcast_comes_back_and_is_heard(world: World) -> None:
    async def listened() -> dict:
        async with Client(world.node.http, tokens=sign_in(world.node, "testuser")) as client:
            objects = client.broadcasts.listen()
            await client.broadcasts.connect()
            sent = await asyncio.to_thread(ran, world, "send", '{"type":"news","n":1}')
            heard = await soon(objects.__anext__())
            assert lines(sent) == [heard], (sent, heard)
            return dict(heard)

    heard = asyncio.run(listened())
    assert (heard["type"], heard["n"], heard["user"]) == ("news", 1, "user"), heard


def case_a_topic_is_heard_in_its_session_only(world: World) -> None:
    async def listened() -> Publication:
        own = SignIn(world.node.http, "user", "password", session="mine")
        async with Client(world.node.http, tokens=own) as client:
            topic = client.topic("StatusEvent")
            messages = topic.listen()
            await topic.publish("first")
            for session, body in (("other", "not for mine"), ("mine", '{"all":"is well"}')):
                arguments = ("--session", session, "send", "--topic", "StatusEvent", body)
                await asyncio.to_thread(ran, world, *arguments)
            assert (await soon(messages.__anext__())).payload == "first"
            return await soon(messages.__anext__())

    heard = asyncio.run(listened())
    assert heard.payload == {"all": "is well"} and heard.user == "user", heard
    assert heard.session_id == "mine", heard


def case_the_command_listens_to_a_topic(world: World) -> None:
    listening = subprocess.Popen(
        [*COMMAND, "--session", "heard", "listen", "StatusEvent", "--count", "1"],
        env=environment(world, world.node),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert listening.stderr.readline() == "listening to StatusEvent\n"
        ran(world, "--session", "heard", "send", "--topic", "StatusEvent", "all is well")
        printed, _ = listening.communicate(timeout=PATIENCE_SECONDS)
    finally:
        listening.kill()
    assert json.loads(printed)["payload"] == "all is well", printed
    assert listening.returncode == 0


def case_a_room_is_written_read_and_followed(world: World) -> None:
    room = new_room(world.node, "user", "testuser")
    sent = lines(ran(world, "room", room, "--send", "one", "--send", "two"))
    sent += lines(ran(world, "room", room, "--stdin", given="three\n\nfour\n"))
    assert [each["seq"] for each in sent] == [2, 3, 4, 5], sent
    read = lines(ran(world, "room", room, "--history", "10", CONCLAVE_USER="testuser"))
    assert [each["content"] for each in read] == ["one", "two", "three", "four"], read
    assert [each["id"] for each in read] == [each["id"] for each in sent]
    followed = lines(ran(world, "room", room, "--since", "3", "--count", "2"))
    assert [each["content"] for each in followed] == ["three", "four"], followed


def case_check_finds_the_server_as_it_must_be(world: World) -> None:
    printed = ran(world, "check", JWT_SECRET_KEY=SECRET)
    assert len(printed.splitlines()) == 16, printed
    assert all(line.startswith("ok ") for line in printed.splitlines()), printed
    without = ran(world, "check")
    assert "expired token: needs the server's key" in without, without


def case_check_says_what_is_not_as_it_must_be(world: World) -> None:
    done = subprocess.run(
        [*COMMAND, "check"],
        env=environment(world, world.node) | {"JWT_SECRET_KEY": "another key than the server has"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert done.returncode == 1 and len(failed) == 1, done
    assert "expired token" in failed[0], failed


def case_a_room_does_what_its_methods_say(world: World) -> None:
    asyncio.run(soon(exercised(world.node)))


async def exercised(node: Node) -> None:
    room_id = new_room(node, "user", "testuser")
    async with (
        Client(node.http, tokens=sign_in(node, "user")) as ann,
        Client(node.http, tokens=sign_in(node, "testuser")) as ben,
    ):
        mine, his = ann.room(room_id), ben.room(room_id)
        heard, told = his.listen(), mine.listen()
        await asyncio.gather(ann.connect(), ben.connect())
        sent = await mine.send("Hello")
        message = await event(heard, "Message")
        assert (message.id, message.seq, message.content) == (sent.id, sent.seq, "Hello"), message
        his.mark_read(sent.id)
        receipt = await event(told, "Receipt", status="read")
        assert (receipt.id, receipt.room_id, receipt.user_id) == (sent.id, room_id, "testuser"), receipt
        his.typing()
        assert (await event(told, "Typing", user_id="testuser")).typing is True
        answer = await his.send("Hello yourself", reply_to=sent.id)
        assert (await event(told, "Message", id=answer.id)).reply_to == sent.id
        await mine.edit(sent.id, "Hello!")
        assert (await event(heard, "MessageEdited")).content == "Hello!"
        await mine.delete(sent.id)
        assert (await event(heard, "MessageDeleted")).id == sent.id
        try:
            await his.delete(sent.id)
        except Exception as refusal:
            assert getattr(refusal, "code", "") in ("not_found", "forbidden"), refusal
        else:
            raise AssertionError("a deleted message was deleted by somebody else")
        stored = await his.history()
        assert [(each.deleted, each.content) for each in stored] == [(True, ""), (False, "Hello yourself")]
        assert {each.user_id: each.role for each in await his.members()} == {
            "user": "OWNER", "testuser": "MEMBER"}
        assert {each.user_id: each.is_online for each in await his.presence()} == {
            "user": True, "testuser": True}
        await his.leave()
        events = [each async for each in heard]
        assert type(events[-1]).__name__ == "RoomLeft", events
        try:
            await his.send("still there?")
        except Exception as refusal:
            assert getattr(refusal, "code", "") == "not_found", refusal
        else:
            raise AssertionError("who left still sends")


def case_somebody_elses_room_is_refused_and_the_client_lives_on(world: World) -> None:
    async def refused() -> None:
        room = new_room(world.node, "testuser", "admin")
        async with Client(world.node.http, tokens=sign_in(world.node, "user")) as client:
            try:
                await soon(client.room(room).listen().__anext__())
            except Forbidden:
                pass
            else:
                raise AssertionError("a stranger listens")
            assert (await soon(client.room("general").send("still here"))).seq > 0

    asyncio.run(refused())


def case_a_restart_in_between_loses_and_doubles_nothing(world: World) -> None:
    node = world.start({"JWT_SECRET_KEY": SECRET})
    asyncio.run(soon(restarted(node)))


async def restarted(node: Node) -> None:
    room_id = new_room(node, "user", "testuser")
    async with (
        Client(node.http, tokens=sign_in(node, "user")) as ann,
        Client(node.http, tokens=sign_in(node, "testuser")) as ben,
    ):
        heard = ben.room(room_id).listen(since=1)
        room = ann.room(room_id)
        sending = [room.send(f"{number}") for number in range(10)]
        await sending[4]
        await asyncio.to_thread(node.crash)
        sending += [room.send(f"{number}") for number in range(10, 20)]
        await asyncio.to_thread(node.start)
        acked = [await each for each in sending]
        assert [each.seq for each in acked] == list(range(2, 22)), acked
        messages: list[Message] = []
        while len(messages) < 20:
            messages.append(await event(heard, "Message"))
        assert [each.content for each in messages] == [f"{number}" for number in range(20)], messages
        assert [each.id for each in messages] == [each.id for each in acked]


def case_a_token_is_renewed_in_band_again_and_again(world: World) -> None:
    node = world.start({"JWT_SECRET_KEY": SECRET, "JWT_EXPIRATION_SECONDS": "3"})
    asyncio.run(soon(renewed(node)))


async def renewed(node: Node) -> None:
    """The connection outlives three tokens; it is never lost meanwhile."""
    statuses: list[str] = []
    seen: set[str] = set()
    enough = asyncio.Event()

    class Watched(SignIn):
        async def token(self) -> str:
            token = await super().token()
            seen.add(token)
            if len(seen) > 3:
                enough.set()
            return token

    tokens = Watched(node.http, "user", "password")
    told = lambda link, status, error: statuses.append(f"{link} {status}")  # noqa: E731
    async with Client(node.http, tokens=tokens, on_status=told) as client:
        await client.connect()
        await enough.wait()
        assert (await client.room("general").send("still here")).seq > 0
        assert statuses == ["feed connecting", "feed online"], statuses


# What the cases share.


async def soon(awaited):
    return await asyncio.wait_for(awaited, PATIENCE_SECONDS)


async def event(listener, kind: str, **members):
    """The next event of that class with those members."""
    async for each in listener:
        if type(each).__name__ == kind and all(getattr(each, name) == value for name, value in members.items()):
            return each
    raise AssertionError(f"no {kind}")


def sign_in(node: Node, user: str) -> SignIn:
    return SignIn(node.http, user, "password")


def new_room(node: Node, owner: str, member: str) -> str:
    return rooms.create(node, web.sign_in(node, owner)["token"], [member])
