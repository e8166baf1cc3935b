"""The server is gone for a while, and three client libraries go on sending.

    python3 tests/clients/outage.py --conclave target/release/conclave --seconds 30

The senders of the Rust, the TypeScript and the Python client, each another user, pour numbered
messages into one room. The server is killed with SIGKILL among them, stays away, and comes back on
the same port and data folder. When all senders have ended, REST must show each one's messages once
and in the order sent, the room's numbers without a gap, and nothing else; and two listeners that
were there all the time must have heard the same.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from websockets.exceptions import ConnectionClosed, InvalidHandshake

import rooms
import wire
from node import Node, clean_environment
from world import SECRET, World

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
INTERVAL_MS = 100
ACKS_BEFORE = 10
# How long it goes on after the outage, and how long the queues may take to drain.
SECONDS_AFTER = 5
ENDS_SECONDS_MAX = 180
CASE_SECONDS = 3
SETTINGS = {"JWT_SECRET_KEY": SECRET}
OWNER = "admin"
LISTENER = "username"
ACKED = re.compile(r"acked (\d+) (\d+)")


class Absent(Exception):
    """A sender's program does not exist."""


def senders(program: pathlib.Path, chosen: list[str]) -> dict[str, list[str]]:
    """Commands by language. Raises `Absent` for one that is not built."""
    known = {
        "rust": (program.parent / "examples" / "sender", []),
        "typescript": (REPOSITORY / "clients/js/examples/sender.mjs", ["node"]),
        "python": (REPOSITORY / "clients/python/examples/sender.py", [sys.executable]),
    }
    commands = {}
    for language in chosen:
        path, interpreter = known[language]
        if not path.exists():
            raise Absent(f"the {language} sender is missing: {path}")
        commands[language] = [*interpreter, str(path)]
    return commands


USERS = {"rust": "user", "typescript": "testuser", "python": "user123"}


def environment() -> dict[str, str]:
    sources = str(REPOSITORY / "clients/python/src")
    return clean_environment() | {"PYTHONPATH": sources, "PYTHONUNBUFFERED": "1"}


class Sender:
    """A sender's process and the acks that it printed."""

    def __init__(self, language: str, command: list[str], node: Node, room: str, count: int):
        self.language, self.user, self.count = language, USERS[language], count
        self.acks: dict[int, int] = {}
        self.news = threading.Condition()
        self.log = open(node.home / f"{language}.log", "wb+")
        arguments = [node.http, self.user, "password", room, str(count), str(INTERVAL_MS)]
        self.process = subprocess.Popen(
            [*command, *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout:
            found = ACKED.fullmatch(line.strip())
            with self.news:
                if found is not None:
                    assert int(found[1]) not in self.acks, f"{self.language}: {line!r} twice"
                    self.acks[int(found[1])] = int(found[2])
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def wait_for_acks(self, count: int) -> None:
        with self.news:
            enough = self.news.wait_for(
                lambda: len(self.acks) >= count or self.process.poll() is not None, 60
            )
        assert enough and len(self.acks) >= count, f"{self.language}: {self.said()}"

    def ended(self) -> None:
        """Waits for its end, which must be a good one."""
        try:
            code = self.process.wait(timeout=ENDS_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.language}: {len(self.acks)} of {self.count} acked; {self.said()}"
            ) from None
        self.reader.join(timeout=10)
        assert code == 0, f"{self.language} ended with {code}: {self.said()}"

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-600:]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


class PlainListener:
    """A `websockets` client that asks for what it missed by `since`."""

    def __init__(self, node: Node, room: str):
        self.heard: list[tuple[int, str, str]] = []
        self.news = threading.Condition()
        self.stopping = threading.Event()
        self.line = None
        self.node, self.room = node, room
        self.token = rooms.token(OWNER, seconds=3600)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                since = f"&since={self.heard[-1][0] if self.heard else 0}"
                with rooms.conversation(self.node, OWNER, self.room, self.token, since) as line:
                    self.line = line
                    while not self.stopping.is_set():
                        self.take(wire.frame(line))
            # Nothing is there while the server is away.
            self.stopping.wait(0.2)

    def take(self, frame: dict) -> None:
        if frame["type"] == "user_message":
            with self.news:
                self.heard.append((frame["seq"], frame["user_id"], frame["content"]))
                self.news.notify_all()

    def stop(self) -> None:
        self.stopping.set()
        if self.line is not None:
            self.line.close()
        self.thread.join(timeout=15)


class LibraryListener:
    """The Python client's command line, which follows the room all the time."""

    def __init__(self, node: Node, room: str):
        self.heard: list[tuple[int, str, str]] = []
        self.news = threading.Condition()
        command = [sys.executable, "-m", "conclave_client", "--url", node.http, "--user", LISTENER]
        self.process = subprocess.Popen(
            [*command, "room", room, "--since", "0"],
            env=environment() | {"CONCLAVE_PASSWORD": "password"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "Message":
                with self.news:
                    self.heard.append((event["seq"], event["user_id"], event["content"]))
                    self.news.notify_all()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(node: Node, seconds: float, commands: dict[str, list[str]]) -> str:
    """Plays it on a server that runs already; a sentence about what was seen."""
    owner = rooms.token(OWNER, seconds=3600)
    room = rooms.create(node, owner, [*USERS.values(), LISTENER])
    count = ACKS_BEFORE * 2 + int((seconds + SECONDS_AFTER) * 1000 / INTERVAL_MS)
    listeners = [PlainListener(node, room), LibraryListener(node, room)]
    pouring: list[Sender] = []
    try:
        for language, command in commands.items():
            pouring.append(Sender(language, command, node, room, count))
        for sender in pouring:
            sender.wait_for_acks(ACKS_BEFORE)
        node.crash()
        acked = {sender.language: len(sender.acks) for sender in pouring}
        time.sleep(seconds)
        for sender in pouring:
            assert sender.process.poll() is None, f"{sender.language} gave up: {sender.said()}"
        node.start()
        for sender in pouring:
            sender.ended()
        stored = rooms.history(node, room, rooms.token(OWNER))
        judge(stored, pouring)
        for listener in listeners:
            same_as_stored(listener, stored)
    finally:
        for each in (*pouring, *listeners):
            each.stop()
    return (
        f"away for {seconds:g} s after {acked}; then each had {count} of {count} acked,"
        f" {len(stored)} stored: 0 lost, 0 twice, 0 out of order, by {', '.join(commands)}"
    )


def judge(stored: list[dict], pouring: list[Sender]) -> None:
    # Number 1 is the room's creation; nothing but messages came after it.
    assert [each["seq"] for each in stored] == list(range(2, 2 + len(stored))), "gaps"
    assert len({each["id"] for each in stored}) == len(stored), "an id was stored twice"
    for sender in pouring:
        own = [each for each in stored if each["userId"] == sender.user]
        numbers = [int(each["content"].rpartition("-")[2]) for each in own]
        expected = list(range(1, sender.count + 1))
        assert numbers == expected, f"{sender.language}: {differences(numbers, expected)}"
        places = {number: each["seq"] for number, each in zip(numbers, own)}
        assert sender.acks == places, f"{sender.language}: acks that differ from what is stored"
    total = sum(sender.count for sender in pouring)
    assert len(stored) == total, f"{len(stored)} stored, {total} sent"


def differences(numbers: list[int], expected: list[int]) -> str:
    lost = sorted(set(expected) - set(numbers))
    twice = sorted({each for each in numbers if numbers.count(each) > 1})
    return f"lost {lost[:10]}, twice {twice[:10]}, or out of order, of {len(expected)}"


def same_as_stored(listener, stored: list[dict]) -> None:
    wanted = [(each["seq"], each["userId"], each["content"]) for each in stored]
    with listener.news:
        listener.news.wait_for(lambda: len(listener.heard) >= len(wanted), 60)
    assert listener.heard == wanted, (
        f"{type(listener).__name__} heard {len(listener.heard)} of {len(wanted)} messages,"
        " or others, or in another order"
    )


def case_three_client_libraries_outlast_a_server_that_is_away(world: World) -> None:
    commands = senders(pathlib.Path(world.program), list(USERS))
    node = world.start(SETTINGS)
    print(f"       {run(node, CASE_SECONDS, commands)}")


def main() -> int:
    parser = argparse.ArgumentParser(description="the server is away while three clients send")
    parser.add_argument("--conclave", required=True, help="the server's program")
    parser.add_argument("--seconds", type=float, default=30, help="how long it is away")
    parser.add_argument("--senders", default=",".join(USERS), help="which: " + ", ".join(USERS))
    options = parser.parse_args()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    program = pathlib.Path(options.conclave).absolute()
    try:
        commands = senders(program, options.senders.split(","))
    except (Absent, KeyError) as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="conclave-outage-") as home:
        node = Node(str(program), pathlib.Path(home), SETTINGS)
        try:
            print(run(node.start(), options.seconds, commands))
        except AssertionError as fault:
            print(f"FAILED: {fault}\n{node.log_tail()}", file=sys.stderr)
            return 1
        finally:
            node.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
