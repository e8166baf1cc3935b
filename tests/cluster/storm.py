"""Thousands of clients on one node that is killed: all come back to the others at once.

As a program it is one process of such clients; `play` starts it and looks how new clients fare.
"""

from __future__ import annotations

import json
import pathlib
import random
import re
import resource
import selectors
import socket
import subprocess
import sys
import time

CROWD, CROWD_QUICK = 10_000, 500
NEW_CLIENT_P99_MAX = 1.0
COMES_BACK_SECONDS_MAX = 60
# Clients that come in at the same time while the crowd gathers.
WINDOW = 200


class Crowd:
    """Sockets on one thread. A client is its token; it is in once its upgrade is answered."""

    def __init__(self, tokens: list[str]):
        self.tokens = tokens
        self.ways = selectors.EpollSelector()
        self.inside: set[int] = set()
        self.waiting: dict[int, tuple[socket.socket, float]] = {}
        # When a client that was refused, or that could not connect, tries again.
        self.later: list[tuple[float, int]] = []
        self.refused = 0
        # Who was in and is no more, or was so once.
        self.lost: set[int] = set()

    def enter(self, client: int, port: int) -> None:
        end = socket.socket()
        end.setblocking(False)
        end.connect_ex(("127.0.0.1", port))
        self.waiting[client] = (end, time.monotonic())
        self.ways.register(end, selectors.EVENT_WRITE, (client, port))

    def poll(self, seconds: float) -> None:
        for key, events in self.ways.select(seconds):
            client, port = key.data
            if events & selectors.EVENT_WRITE:
                self.ask(key.fileobj, client, port)
            else:
                self.hear(key.fileobj, client)

    def ask(self, end: socket.socket, client: int, port: int) -> None:
        head = (
            f"GET /ws?token={self.tokens[client]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        try:
            end.send(head.encode())
            self.ways.modify(end, selectors.EVENT_READ, (client, port))
        except OSError:
            self.lose(end, client, True)

    def hear(self, end: socket.socket, client: int) -> None:
        try:
            data = end.recv(4096)
        except OSError:
            data = b""
        if client in self.waiting and data.startswith(b"HTTP/1.1 101"):
            del self.waiting[client]
            self.inside.add(client)
        elif client in self.waiting:
            # One that is turned away is told when to come.
            told = re.search(rb"(?i)\r\nretry-after: (\d+)", data)
            self.lose(end, client, True, float(told[1]) if told else None)
        elif not data or data[0] == 0x88:
            self.lose(end, client, False)

    def lose(self, end: socket.socket, client: int, refused: bool, told: float | None = None) -> None:
        self.ways.unregister(end)
        end.close()
        self.waiting.pop(client, None)
        if client in self.inside:
            self.inside.discard(client)
            self.lost.add(client)
        self.refused += refused
        # At once where the connection was lost; a client that was refused waits a little.
        pause = (told or random.uniform(0.1, 0.5)) if refused else 0
        self.later.append((time.monotonic() + pause, client))

    def gather(self, port: int) -> None:
        """All of them on one node."""
        coming = iter(range(len(self.tokens)))
        left = len(self.tokens)
        while len(self.inside) < len(self.tokens):
            while left and len(self.waiting) < WINDOW:
                self.enter(next(coming), port)
                left -= 1
            self.again([port])
            self.poll(0.1)

    def again(self, ports: list[int]) -> None:
        now = time.monotonic()
        due = [client for at, client in self.later if at <= now]
        self.later = [(at, client) for at, client in self.later if at > now]
        for client in due:
            self.enter(client, ports[client % len(ports)])

    def come_back(self, ports: list[int]) -> float:
        """Waits for the end of the node, and until all are in again; seconds in between."""
        self.lost.clear()
        while not self.lost:
            self.poll(0.1)
        began = time.monotonic()
        # The system ends one connection after the other.
        while len(self.lost) < len(self.tokens) or len(self.inside) < len(self.tokens):
            self.again(ports)
            self.poll(0.01)
        return time.monotonic() - began


def play(stage) -> str:
    count = CROWD_QUICK if stage.quick else CROWD
    number = stage.dice.randrange(len(stage.nodes))
    node = stage.nodes[number]
    others = [each.port for each in stage.nodes if each is not node]
    tokens = [stage.token(f"crowd{n}") for n in range(count)]
    plan = {"tokens": tokens, "port": node.port, "others": others}
    command = [sys.executable, str(pathlib.Path(__file__))]
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        crowd.stdin.write(json.dumps(plan) + "\n")
        crowd.stdin.flush()
        assert crowd.stdout.readline() == "gathered\n", "the crowd did not gather"
        node.crash()
        waits = new_clients(stage, others, crowd)
        told = json.loads(crowd.stdout.readline())
        node.start()
    finally:
        crowd.kill()
        crowd.wait()
        if not node.alive:
            node.start()
    p99 = sorted(waits)[min(len(waits) - 1, int(len(waits) * 0.99))]
    # How fast it is means nothing where the build is not optimised or others use the machine.
    assert stage.quick or p99 <= NEW_CLIENT_P99_MAX, f"new clients came in after {p99:.2f} s (p99)"
    return (
        f"{count} back after {told['seconds']:.1f} s, {told['refused']} refused meanwhile;"
        f" {len(waits)} new clients: p99 {p99 * 1000:.0f} ms, longest {max(waits) * 1000:.0f} ms"
    )


def new_clients(stage, ports: list[int], crowd: subprocess.Popen) -> list[float]:
    """One after the other until the crowd is back, and what each waited until it was in."""
    waits: list[float] = []
    ready = selectors.DefaultSelector()
    ready.register(crowd.stdout, selectors.EVENT_READ)
    deadline = time.monotonic() + COMES_BACK_SECONDS_MAX
    while not ready.select(0.01) or len(waits) < 100:
        assert time.monotonic() < deadline, "the crowd is not back"
        client = Crowd([stage.token(f"new{len(waits)}")])
        began = time.monotonic()
        client.enter(0, ports[len(waits) % len(ports)])
        while not client.inside:
            client.again(ports)
            client.poll(0.05)
            assert time.monotonic() - began < 10, "a new client does not come in"
        waits.append(time.monotonic() - began)
        for key in list(client.ways.get_map().values()):
            key.fileobj.close()
        client.ways.close()
    return waits


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = json.loads(sys.stdin.readline())
    crowd = Crowd(plan["tokens"])
    crowd.gather(plan["port"])
    print("gathered", flush=True)
    seconds = crowd.come_back(plan["others"])
    print(json.dumps({"seconds": seconds, "refused": crowd.refused}), flush=True)
    # They stay until their end is wanted.
    sys.stdin.read()


if __name__ == "__main__":
    main()
