"""kill -9 between a client's send and its ack, again and again, on one data folder.

    python3 tests/clients/kills.py --conclave target/debug/conclave --kills 50

Users pour messages into one room, many on their way at a time: two with the stock Socket.IO
client, two with `websockets` over the conversation dialect. The server is killed among them and
started again; each client then sends what has no ack again, under the same client id. In the end
every acked message must be stored where its ack said, none twice, each user's in the order sent,
and the room's numbers without a gap.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import pathlib
import random
import sys
import tempfile
import threading
import time

from websockets.exceptions import ConnectionClosed, InvalidHandshake

import rooms
import socket_io
import wire
from node import Node
from world import SECRET, World

KILLS = 3
WINDOW = 32
COMES_BACK_SECONDS_MAX = 60
SETTINGS = {
    "JWT_SECRET_KEY": SECRET,
    "CONCLAVE_LIMITS__MESSAGES_PER_SECOND": "0",
    "CONCLAVE_LIMITS__USER_MESSAGES_PER_SECOND": "0",
    "CONCLAVE_LIMITS__ROOM_MESSAGES_PER_SECOND": "0",
    # The judge reads the whole history.
    "CONCLAVE_LIMITS__REQUESTS_PER_SECOND": "0",
}


class Ledger:
    """Every ack that any client got: user -> number -> (id, seq)."""

    def __init__(self):
        self.acks: dict[str, dict[int, tuple[str, int]]] = collections.defaultdict(dict)
        self.total = 0
        self.faults: list[str] = []
        self.news = threading.Condition()
        # Whether there is a server to come back to.
        self.up = threading.Event()
        self.up.set()

    def write(self, user: str, number: int, id: str, seq: int) -> None:
        with self.news:
            before = self.acks[user].setdefault(number, (id, seq))
            if before != (id, seq):
                self.fault(f"{user}-{number} was acked as {before} and as {(id, seq)}")
            self.total += 1
            self.news.notify_all()

    def fault(self, text: str) -> None:
        with self.news:
            self.faults.append(text)
            self.news.notify_all()

    def wait(self, more: int) -> None:
        """Until that many more acks came."""
        with self.news:
            wanted = self.total + more
            enough = self.news.wait_for(
                lambda: self.total >= wanted or self.faults, COMES_BACK_SECONDS_MAX
            )
        assert not self.faults, self.faults
        assert enough, "the clients did not come back"


class ByConversation:
    """A user of the `websockets` library that keeps `WINDOW` messages on their way."""

    def __init__(self, node: Node, user: str, room: str, ledger: Ledger):
        self.user, self.ledger = user, ledger
        self.dial = lambda: rooms.conversation(node, user, room, rooms.token(user))
        self.pending: set[int] = set()
        self.sent = 0
        self.stopping = False
        self.thread = threading.Thread(target=self.pour, daemon=True)
        self.thread.start()

    def pour(self) -> None:
        while not self.stopping or self.pending:
            with contextlib.suppress(ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                with self.dial() as connection:
                    self.talk(connection)
            self.ledger.up.wait(COMES_BACK_SECONDS_MAX)

    def talk(self, connection) -> None:
        for number in sorted(self.pending):
            self.send(connection, number)
        while not self.stopping or self.pending:
            while len(self.pending) < WINDOW and not self.stopping:
                self.pending.add(self.sent)
                self.sent += 1
                self.send(connection, self.sent - 1)
            self.hear(wire.frame(connection))

    def send(self, connection, number: int) -> None:
        name = f"{self.user}-{number}"
        rooms.say(connection, "send_message", content=name, client_id=name)

    def hear(self, frame: dict) -> None:
        if frame["type"] == "error":
            self.ledger.fault(f"{self.user}: {frame}")
        if frame["type"] == "message_status" and frame["status"] == "sent":
            number = int(frame["client_id"].rpartition("-")[2])
            self.pending.discard(number)
            self.ledger.write(self.user, number, frame["message_id"], frame["seq"])

    def stop(self) -> int:
        """Waits for the last acks; how many messages it sent."""
        self.stopping = True
        self.thread.join(timeout=COMES_BACK_SECONDS_MAX)
        assert not self.thread.is_alive(), f"{self.user} got no ack of {sorted(self.pending)}"
        return self.sent


class BySocketIo:
    """A user of the stock Socket.IO client that does the same; see `rooms-js/client.mjs`."""

    def __init__(self, node: Node, user: str, room: str, ledger: Ledger):
        self.user, self.ledger = user, ledger
        self.client = socket_io.SocketIo(self.heard)
        # Tokens outlive the whole run; the connection is the library's to keep.
        auth = {"token": rooms.token(user, seconds=3600)}
        options = {"reconnection": True, "reconnectionDelay": 10, "reconnectionDelayMax": 50}
        self.client.dial(node.http, auth, **options)
        self.client.next("connect")
        self.client.order("pour", channelId=room, name=user, window=WINDOW)

    def heard(self, told: dict) -> bool:
        if told["told"] != "poured":
            return told["told"] == "connect_error"
        if "refused" in told:
            self.ledger.fault(f"{self.user}: {told}")
        else:
            self.ledger.write(self.user, told["number"], told["id"], told["seq"])
        return True

    def stop(self) -> int:
        with contextlib.closing(self.client):
            return self.client.order("stop")["sent"]


def run(node: Node, kills: int, randomness: random.Random) -> str:
    """Kills and starts a server that runs already; a sentence about what was seen."""
    users = {"ann": BySocketIo, "ben": BySocketIo, "cat": ByConversation, "dan": ByConversation}
    owner = rooms.token("ann", seconds=3600)
    room = rooms.create(node, owner, [user for user in users if user != "ann"])
    ledger = Ledger()
    clients = {user: client(node, user, room, ledger) for user, client in users.items()}
    began, retried = time.monotonic(), 0
    for _ in range(kills):
        ledger.wait(randomness.randrange(1, 400))
        ledger.up.clear()
        node.crash()
        # What the killed server stored without having said so is what the retries must find.
        retried += sum(len(each.pending) for each in clients.values() if hasattr(each, "pending"))
        node.start()
        ledger.up.set()
    ledger.wait(100)
    sent = {user: client.stop() for user, client in clients.items()}
    assert not ledger.faults, ledger.faults
    judge(ledger, sent, rooms.history(node, room, owner), room_now(node, room, owner))
    seconds = time.monotonic() - began
    return (
        f"{kills} kills, {sum(sent.values())} messages of {len(users)} clients in {seconds:.0f} s,"
        f" 0 lost, 0 twice, 0 out of order; {retried} of the conversations' were sent again"
    )


def room_now(node: Node, room: str, token: str) -> dict:
    return rooms.read(node, f"/channels/{room}", token)


def judge(ledger: Ledger, sent: dict[str, int], stored: list[dict], room: dict) -> None:
    # Number 1 is the room's creation; nothing but messages came after it.
    assert [each["seq"] for each in stored] == list(range(2, 2 + len(stored))), "gaps"
    assert room["lastSeq"] == 1 + len(stored), (room, len(stored))
    ids = [each["id"] for each in stored]
    assert len(set(ids)) == len(ids), "an id was stored twice"
    numbers: dict[str, list[int]] = collections.defaultdict(list)
    for each in stored:
        user, _, number = each["content"].rpartition("-")
        assert user == each["userId"], each
        numbers[user].append(int(number))
        acked = ledger.acks[user].get(int(number))
        assert acked == (each["id"], each["seq"]), f"acked as {acked}, stored as {each}"
    for user, count in sent.items():
        assert numbers[user] == list(range(count)), f"{user}: lost, twice or out of order"
        assert sorted(ledger.acks[user]) == list(range(count)), f"{user}: acks are missing"


def case_what_was_acked_outlives_kill_9_and_retries_store_nothing_twice(world: World) -> None:
    node = world.start(SETTINGS)
    print(f"       {run(node, KILLS, random.Random())}")
    assert node.drain() == 0
    checked = node.command("store", "check")
    assert checked.returncode == 0, checked


def main() -> int:
    parser = argparse.ArgumentParser(description="kill -9 under load")
    parser.add_argument("--conclave", required=True, help="the server's program")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="conclave-kills-") as home:
        node = Node(str(pathlib.Path(options.conclave).absolute()), pathlib.Path(home), SETTINGS)
        try:
            print(run(node.start(), options.kills, random.Random(options.seed)))
        except AssertionError as fault:
            print(f"FAILED: {fault}\n{node.log_tail()}", file=sys.stderr)
            return 1
        finally:
            node.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
