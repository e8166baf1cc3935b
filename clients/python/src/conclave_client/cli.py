"""The command line: `token`, `listen`, `send`, `room`, `check`."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

from . import check, rest
from .client import Client
from .errors import (
    BadRequest,
    ConclaveError,
    Forbidden,
    NetworkError,
    NotFound,
    Unauthenticated,
)
from .tokens import SignIn, TokenSource, claims

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNAUTHENTICATED = 3
EXIT_FORBIDDEN = 4
EXIT_UNREACHABLE = 5
EXIT_INTERRUPTED = 130
ECHO_SECONDS_MAX = 10.0

HELP = """
environment:
  CONCLAVE_URL       the server, default http://localhost:8081
  CONCLAVE_USER      who signs in
  CONCLAVE_PASSWORD  the password; without it and --token the terminal is asked
  CONCLAVE_TOKEN     a token in place of user and password
  JWT_SECRET_KEY     lets `check` sign an expired token

exit codes:
  0 done   1 refused, or a case of `check` failed   2 wrong usage   3 not signed in, or the token
  was refused   4 not allowed, or no such room   5 the server cannot be reached   130 interrupted

examples:
  conclave-client --user user token
  conclave-client --user user listen                       # broadcasts
  conclave-client --user user listen StatusEvent           # a topic of the session
  conclave-client --user user send '{"type":"test","payload":{"message":"Hello"}}'
  conclave-client --user user send --topic StatusEvent 'all is well'
  conclave-client --user user room general --send 'Hello'
  conclave-client --user user check
"""


def run() -> None:
    """The entry point: ends the process with one of the exit codes."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        return asyncio.run(perform(options))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Who read the output has enough; nothing more may be flushed into it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except ConclaveError as error:
        print(f"error: {error} ({error.code})", file=sys.stderr)
        return exit_code(error)


def exit_code(error: ConclaveError) -> int:
    for kind, code in (
        (Unauthenticated, EXIT_UNAUTHENTICATED),
        (Forbidden, EXIT_FORBIDDEN),
        (NotFound, EXIT_FORBIDDEN),
        (NetworkError, EXIT_UNREACHABLE),
    ):
        if isinstance(error, kind):
            return code
    return EXIT_REFUSED


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="conclave-client",
        description="Talks to a Conclave server.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    environment = os.environ.get
    made.add_argument("--url", default=environment("CONCLAVE_URL", "http://localhost:8081"))
    made.add_argument("--user", default=environment("CONCLAVE_USER"), help="who signs in")
    made.add_argument("--password", help="every process can read it here; better in the environment")
    made.add_argument("--token", help="in place of user and password; better in the environment")
    made.add_argument("--session", help="the session to work in")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    token = commands.add_parser("token", help="signs in and prints the access token")
    token.add_argument("--claims", action="store_true", help="what it says, as JSON, instead")

    listen = commands.add_parser("listen", help="prints broadcasts, or the messages of topics")
    listen.add_argument("topics", nargs="*", metavar="TOPIC")
    listen.add_argument("--count", type=positive, help="ends after so many")

    send = commands.add_parser("send", help="broadcasts an object, or publishes to a topic")
    send.add_argument("--topic", help="publish there, in the session")
    send.add_argument("body", metavar="BODY", help="JSON; for a topic also plain text")

    room = commands.add_parser("room", help="prints what happens in a room; sends")
    room.add_argument("room", metavar="ROOM")
    room.add_argument("--send", action="append", metavar="TEXT", help="sends it and ends; repeatable")
    room.add_argument("--stdin", action="store_true", help="sends each line of the input and ends")
    room.add_argument("--history", type=positive, metavar="N", help="prints the last N messages and ends")
    room.add_argument("--since", type=int, metavar="SEQ", help="first what happened after it")
    room.add_argument("--count", type=positive, help="ends after so many events")

    checks = commands.add_parser("check", help="tries what a server must accept and refuse")
    checks.add_argument(
        "--secret-file", metavar="FILE", help="the server's signing key, for the expired token"
    )
    return made


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


async def perform(options: argparse.Namespace) -> int:
    if options.command == "check":
        return await checked(options)
    source = signed_in(options)
    if options.command == "token":
        return await token(source, options)
    async with Client(options.url, tokens=source) as client:
        if options.command == "listen":
            await listen(client, options)
        elif options.command == "send":
            await send(client, options)
        else:
            await room(client, options)
    return EXIT_OK


def signed_in(options: argparse.Namespace) -> TokenSource:
    given = options.token or (not options.user and os.environ.get("CONCLAVE_TOKEN"))
    if given:
        return str(given)
    return SignIn(options.url, user(options), password(options), options.session)


def user(options: argparse.Namespace) -> str:
    if not options.user:
        raise BadRequest("who signs in? Give --user or CONCLAVE_USER, or --token or CONCLAVE_TOKEN")
    return str(options.user)


def password(options: argparse.Namespace) -> str:
    known = options.password or os.environ.get("CONCLAVE_PASSWORD")
    if known:
        return str(known)
    if not sys.stdin.isatty():
        raise BadRequest("no password: set CONCLAVE_PASSWORD, or run it in a terminal to be asked")
    return getpass.getpass(f"Password of {options.user}: ")


async def token(source: TokenSource, options: argparse.Namespace) -> int:
    if isinstance(source, str):
        made = source
    else:
        assert isinstance(source, SignIn)
        made = await source.token()
    print(json.dumps(claims(made)) if options.claims else made)
    return EXIT_OK


async def listen(client: Client, options: argparse.Namespace) -> None:
    if not options.topics:
        objects = client.broadcasts.listen()
        await client.broadcasts.connect()
        await printed(objects, options.count)
        return
    listeners = [client.topic(name).listen() for name in options.topics]
    await client.topics.link.first()
    for name in options.topics:
        # Answered after the subscription, so nothing is missed from here on.
        await client.topic(name).present()
    print(f"listening to {', '.join(options.topics)}", file=sys.stderr, flush=True)
    left = options.count

    async def follow(listener: AsyncIterator[Any]) -> None:
        nonlocal left
        async for event in listener:
            show(event)
            if left is not None:
                left -= 1
                if left == 0:
                    return

    following = [asyncio.create_task(follow(listener)) for listener in listeners]
    done, others = await asyncio.wait(following, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    for task in done:
        task.result()


async def send(client: Client, options: argparse.Namespace) -> None:
    if options.topic is not None:
        await client.topics.link.first()
        await client.topic(options.topic).publish(read_payload(options.body))
        return
    body = read_payload(options.body)
    if not isinstance(body, dict):
        raise BadRequest("a broadcast is a JSON object")
    echo = client.broadcasts.listen()
    await client.broadcasts.connect()
    client.broadcasts.send(body)
    added = {"user": await client.user_id(), "timestamp": None, "requestId": None}

    async def heard() -> None:
        async for frame in echo:
            if {**frame, **added} == {**body, **added}:
                show(frame)
                return

    try:
        await asyncio.wait_for(heard(), ECHO_SECONDS_MAX)
    except asyncio.TimeoutError:
        raise NetworkError("the broadcast did not come back") from None


async def room(client: Client, options: argparse.Namespace) -> None:
    place = client.room(options.room)
    if options.history is not None:
        for message in await place.history(limit=options.history):
            show(message)
        return
    await client.connect()
    if options.send or options.stdin:
        for text in options.send or []:
            show(await place.send(text))
        while options.stdin and (line := await asyncio.to_thread(sys.stdin.readline)):
            if line.strip():
                show(await place.send(line.rstrip("\r\n")))
        return
    await printed(place.listen(options.since), options.count)


async def printed(events: AsyncIterator[Any], count: int | None) -> None:
    """Prints one line of JSON for each, until there are no more or `count` were printed."""
    async for event in events:
        show(event)
        if count is not None:
            count -= 1
            if count == 0:
                return


def show(event: Any) -> None:
    if dataclasses.is_dataclass(event) and not isinstance(event, type):
        body = {"event": type(event).__name__} | dataclasses.asdict(event)
    else:
        body = event
    print(json.dumps(body, default=datetime.datetime.isoformat), flush=True)


def read_payload(text: str) -> Any:
    """JSON where it is some, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


async def checked(options: argparse.Namespace) -> int:
    secret = os.environ.get("JWT_SECRET_KEY")
    if options.secret_file is not None:
        try:
            with open(options.secret_file, encoding="utf-8") as file:
                secret = file.read().strip()
        except OSError as fault:
            raise BadRequest(f"--secret-file: {fault}") from None
    subject = check.Subject(rest.origin(options.url), user(options), password(options), secret)
    failures = 0
    async for outcome in check.outcomes(subject):
        failures += outcome.state is check.State.FAILED
        print(outcome, flush=True)
    return EXIT_REFUSED if failures else EXIT_OK
