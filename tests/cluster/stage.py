"""Where faults are played: the cluster, its traffic, and what the ledger says of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import random
import subprocess
import sys
import threading
import time

from borrowed import clean_environment, rooms, web, wire
from cluster import Cluster
from cluster_node import ClusterNode
from ledger import Ledger
from process import END_SECONDS_MAX, until

HERE = pathlib.Path(__file__).parent
WHOLE_SECONDS_MAX = 60
ROOMS = 3
# No client of a chaos run is to be slowed by a limit.
SETTINGS = {
    f"CONCLAVE_LIMITS__{name}": "0"
    for name in (
        "CONNECTIONS_PER_USER",
        "CONNECTIONS_PER_ADDRESS",
        "MESSAGES_PER_SECOND",
        "USER_MESSAGES_PER_SECOND",
        "ROOM_MESSAGES_PER_SECOND",
        "REQUESTS_PER_SECOND",
        "REFUSED_HANDSHAKES_PER_MINUTE",
    )
} | {"CONCLAVE_SERVER__DRAIN_SECONDS": "5"}
# A hung PostgreSQL is found sooner.
SETTINGS_QUICK = {"CONCLAVE_STORE__STATEMENT_TIMEOUT_MS": "1500"}


class Traffic:
    """A process of clients."""

    def __init__(self, plan: dict, ledger: Ledger, log: pathlib.Path):
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "traffic.py")],
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self.say(json.dumps(plan))
        self.reading = threading.Thread(target=ledger.read, args=(self.process.stdout,), daemon=True)
        self.reading.start()

    def say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, seconds: float) -> None:
        """Until every message has its ack and everything was told."""
        self.say("stop")
        self.process.wait(timeout=seconds)
        self.reading.join(timeout=END_SECONDS_MAX)
        assert self.process.returncode == 0, f"the clients ended with {self.process.returncode}"

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclasses.dataclass(frozen=True)
class Whole:
    """How long it took, and what took longest of it."""

    seconds: float
    longest: str


class Stage:
    """One run."""

    def __init__(self, cluster: Cluster, dice: random.Random, rate: float, quick: bool):
        self.cluster, self.dice, self.quick = cluster, dice, quick
        self.ledger = Ledger()
        self.admin = self.token("operator", roles=["admin"])
        self.key = cluster.command("key", "add", "--name", "chaos", "--permission", "server.publish")
        self.writers = self.plan_writers()
        self.listeners = self.plan_listeners()
        self.writing: Traffic | None = None
        self.hearing: Traffic | None = None
        self.rate = rate / len(self.writers)

    @property
    def nodes(self) -> list[ClusterNode]:
        return self.cluster.nodes

    @property
    def seconds(self) -> float:
        """How long something is away."""
        return self.dice.uniform(0.3, 1) if self.quick else self.dice.uniform(3, 7)

    def token(self, user: str, **claims) -> str:
        # An hour back and a day ahead: a node's clock may be wrong by some minutes.
        now = int(time.time())
        body = {"sub": user, "name": user, "iat": now - 3600, "exp": now + 86_400, "roles": ["user"]}
        return web.signed(self.cluster.secret, body | claims)

    def home(self, number: int) -> list[int]:
        """Ports of the nodes, that of one first."""
        ports = [node.port for node in self.nodes]
        return ports[number % len(ports) :] + ports[: number % len(ports)]

    def plan_writers(self) -> list[dict]:
        entrance = [self.cluster.entrance.port]
        kinds = ["conversation", "conversation", "conversation", "socketio", "socketio", "socketio"]
        ports = [self.home(0), self.home(1), self.home(2), self.home(1), self.home(2), entrance]
        kinds += ["rest", "rest", "batch"]
        ports += [entrance, self.home(0), entrance]
        plans = []
        for number, (kind, way) in enumerate(zip(kinds, ports, strict=True)):
            name = f"{kind}{number}"
            token = self.key if kind == "batch" else self.token(name)
            plans.append({"kind": kind, "name": name, "token": token, "ports": way})
        self.rooms = self.make_rooms(plans)
        return plans

    def make_rooms(self, writers: list[dict]) -> list[str]:
        """Each has all users in it; the writers take turns."""
        members = [plan["name"] for plan in writers]
        members += [f"{kind}-listener{n}" for n in range(ROOMS) for kind in ("conversation", "socketio")]
        owner = self.token("owner")
        made = [rooms.create(self.nodes[0], owner, members) for _ in range(ROOMS)]
        # Nobody writes there but a fault that wants to know who hears one message.
        self.quiet = rooms.create(self.nodes[0], owner, members)
        for number, plan in enumerate(writers):
            plan["room"] = made[number % ROOMS]
        return made

    def plan_listeners(self) -> list[dict]:
        plans = []
        for number, room in enumerate(self.rooms):
            for shift, kind in enumerate(("conversation", "socketio"), 1):
                name = f"{kind}-listener{number}"
                plan = {"kind": kind, "name": name, "token": self.token(name), "room": room, "last": 1}
                plans.append(plan | {"ports": self.home(number + shift)})
            ticks = {"topic": f"ticks{number}", "token": self.token("ticks")}
            plans.append(ticks | {"kind": "ticker", "name": f"ticker{number}", "ports": self.home(number)})
            for shift in (1, 2):
                name = f"watcher{number}.{shift}"
                way = {"name": name, "ports": self.home(number + shift)}
                plans.append(ticks | {"kind": "watcher"} | way)
        return plans

    def names(self, *kinds: str) -> list[str]:
        """Of the clients of those kinds that listen."""
        return [plan["name"] for plan in self.listeners if plan["kind"] in kinds]

    @property
    def hearers(self) -> dict[str, str]:
        """Who listens to a room: name -> room."""
        return {plan["name"]: plan["room"] for plan in self.listeners if "room" in plan}

    @property
    def watchers(self) -> list[str]:
        return self.names("watcher")

    def begin(self) -> None:
        home = self.cluster.home
        hear = {"rate": 1, "writers": [], "listeners": self.listeners}
        write = {"rate": self.rate, "writers": self.writers, "listeners": []}
        self.hearing = Traffic(hear, self.ledger, home / "hearing.log")
        opened = [("open", name) for name in self.hearers]
        self.ledger.wait(lambda: all(key in self.ledger.newest for key in opened), 30, "listeners")
        self.writing = Traffic(write, self.ledger, home / "writing.log")
        self.until_whole()

    def until_whole(self) -> Whole:
        """Until everybody's messages are acked, heard by all, and all nodes are in."""
        ledger = self.ledger
        moment = began = time.monotonic()
        users = [plan["name"] for plan in self.writers]
        parts: dict[str, float] = {}

        def part(name: str) -> None:
            nonlocal moment
            parts[name], moment = time.monotonic() - moment, time.monotonic()

        for user in users:
            acked = lambda user=user: ledger.acked_since(began, [user])  # noqa: E731
            ledger.wait(acked, WHOLE_SECONDS_MAX, f"{user} has an ack of what it sent since")
            part(f"ack of {user}")
        last = ledger.last_acked()
        hears = lambda: ledger.is_heard(last, self.hearers)  # noqa: E731
        ledger.wait(hears, WHOLE_SECONDS_MAX, f"all hear up to {last}")
        part("listeners")
        ticks = lambda: ledger.ticked_since(began, self.watchers)  # noqa: E731
        ledger.wait(ticks, WHOLE_SECONDS_MAX, "all topics are heard")
        part("topics")
        until(self.cluster.is_whole, WHOLE_SECONDS_MAX, "all nodes are ready")
        part("nodes")
        until(self.agrees, WHOLE_SECONDS_MAX, "all nodes count the same connections")
        part("counts")
        assert not ledger.faults, ledger.faults[:5]
        return Whole(time.monotonic() - began, max(parts, key=parts.get))

    def agrees(self) -> bool:
        found = [self.connections(node) for node in self.nodes]
        return None not in found and len(set(found)) == 1

    def connections(self, node: ClusterNode) -> int | None:
        """How many connections all nodes have, as one of them says."""
        stats = self.stats(node)
        return stats and stats["stats"]["websocket_manager"]["active_connections"]

    def stats(self, node: ClusterNode) -> dict | None:
        with contextlib.suppress(OSError, ValueError):
            answer = web.call("GET", f"{node.http}/ws/stats", headers=web.bearer(self.admin))
            return answer.json() if answer.status == 200 else None
        return None

    def hold(self, seconds: float) -> None:
        """A fault lasts so long; nothing is waited for."""
        time.sleep(seconds)

    def check_new_client(self, node: ClusterNode) -> None:
        with wire.dial(node, self.token("newcomer")) as connection:
            wire.settle(connection)

    def check_stayed(self, began: float) -> None:
        """No listener lost its connection since then."""
        gone = self.ledger.gone_between(began, time.monotonic(), self.hearers)
        assert not gone, f"connections ended: {gone}"

    def wait_for_acks(self, users: list[str], what: str, seconds: float = 30) -> None:
        moment = time.monotonic()
        self.ledger.wait(lambda: self.ledger.acked_since(moment, users), seconds, what)

    @contextlib.contextmanager
    def quiet_room(self, nodes: list[ClusterNode]):
        """The owner's connections to the quiet room on these nodes."""
        owner = self.token("owner")
        with contextlib.ExitStack() as open_connections:
            dialled = (rooms.conversation(node, "owner", self.quiet, owner) for node in nodes)
            yield [open_connections.enter_context(each) for each in dialled]

    def say_quietly(self, node: ClusterNode) -> str:
        """One message into the quiet room, acked by that node."""
        text = f"quiet {self.dice.randrange(10**9)}"
        body = {"content": text, "clientId": text}
        answer = rooms.call(node, "POST", f"/channels/{self.quiet}/messages", self.token("owner"), body)
        assert answer.status == 201, answer
        return text

    def end(self) -> None:
        """Every message has its ack, and every listener has heard it."""
        self.writing.end(WHOLE_SECONDS_MAX)
        last = self.ledger.last_acked()
        hears = lambda: self.ledger.is_heard(last, self.hearers)  # noqa: E731
        self.ledger.wait(hears, WHOLE_SECONDS_MAX, f"all hear up to {last}")
        self.hearing.end(WHOLE_SECONDS_MAX)

    def kill(self) -> None:
        for traffic in (self.writing, self.hearing):
            if traffic is not None:
                traffic.kill()

    def judge(self) -> list[str]:
        """What is wrong with the rooms, read from each node."""
        wrong = list(self.ledger.faults)
        owner = self.token("owner")
        for number, room in enumerate(self.rooms):
            stored = rooms.history(self.nodes[number % len(self.nodes)], room, owner)
            wrong += self.ledger.judge(room, stored, self.hearers)
        return wrong
