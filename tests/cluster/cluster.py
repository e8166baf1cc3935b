"""PostgreSQL, Redis, three nodes and HAProxy on free ports of loopback.

    python3 tests/cluster/cluster.py --conclave target/release/conclave [--check]

Prints how to use it and stays until Ctrl-C; with --check it runs what is shown and ends. All
secrets are made by chance, all data lies in one folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import pathlib
import resource
import secrets
import signal
import subprocess
import sys
import tempfile

from cluster_node import ClusterNode
from haproxy import Entrance
from borrowed import clean_environment
from postgres import Postgres
from process import NotReady, Process, end_in_order, until
from redis_server import RedisServer

NODES = 3
USERS = ("alice", "bob", "carol")


class Cluster:
    """Everything, in the order in which it is started; it ends in the other. `proof` is how
    nodes show PostgreSQL that they know the password."""

    def __init__(self, program: str, home: pathlib.Path, settings: dict[str, str], proof: str):
        # PostgreSQL, as another user, has its folder in it.
        home.chmod(0o711)
        self.program = program
        self.home = home
        self.secret = secrets.token_urlsafe(48)
        self.settings = settings
        self.postgres = Postgres(home, proof)
        self.redis = RedisServer(home)
        targets = (self.redis.port, self.postgres.port)
        names = [f"node{number}" for number in range(1, NODES + 1)]
        self.nodes = [ClusterNode(program, home, name, targets) for name in names]
        self.links = [link for node in self.nodes for link in node.links]
        for node in self.nodes:
            node.environment = self.environment(node)
        self.entrance = Entrance(home, [node.port for node in self.nodes])

    def environment(self, node: ClusterNode) -> dict[str, str]:
        return self.settings | {
            "JWT_SECRET_KEY": self.secret,
            "CONCLAVE_STORE__URL": self.postgres.url(node.to_postgres.port),
            "CONCLAVE_BUS__URL": self.redis.url(node.to_redis.port),
            "CONCLAVE_SOCKETIO__POLLING": "true",
            "CONCLAVE_SERVER__TRUSTED_PROXIES": "127.0.0.1",
        }

    @property
    def processes(self) -> list[Process]:
        return [self.postgres, self.redis, *self.links, *self.nodes, self.entrance]

    def start(self) -> Cluster:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.postgres.start()
        self.postgres.make_database()
        self.redis.start()
        for link in self.links:
            link.start()
        # The first one makes the tables.
        self.nodes[0].start()
        for node in self.nodes[1:]:
            node.begin()
        for node in self.nodes[1:]:
            node.wait_until_ready()
        self.entrance.start()
        until(self.is_whole, 30, "all nodes are ready, and HAProxy knows it")
        return self

    def is_whole(self) -> bool:
        ready = all(node.health() == "ready" for node in self.nodes)
        return ready and len(self.entrance.up()) == len(self.nodes)

    def stop(self) -> None:
        for process in reversed(self.processes):
            if process.process is not None:
                process.stop()

    def command(self, *words: str, text: str = "") -> str:
        """What another `conclave` command says, with the configuration of the first node."""
        done = subprocess.run(
            [self.program, *words, f"--data-dir={self.nodes[0].data}"],
            cwd=self.nodes[0].home,
            env=clean_environment() | self.environment(self.nodes[0]),
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != 0:
            raise NotReady(f"conclave {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def add_user(self, name: str, password: str) -> None:
        self.command("user", "add", name, "--password-stdin", text=password + "\n")

    def logs(self) -> str:
        """The end of every log."""
        told = ((process, process.log_tail(5)) for process in self.processes)
        return "\n".join(f"--- {process.name}\n{text}" for process, text in told if text)


MANUAL = """
PostgreSQL  127.0.0.1:{postgres}
Redis       127.0.0.1:{redis}
nodes       {nodes}
HAProxy     http://127.0.0.1:{port}
users       {users}, each with the password {password}

Sign in, anywhere:
  TOKEN=$(curl -s http://127.0.0.1:{port}/auth/token -H 'Content-Type: application/json' \\
    -d '{{"username":"alice","password":"{password}","session_id":"demo"}}' | jq -r .token)

A room of all of them, made on node 1:
  ROOM=$(curl -s http://127.0.0.1:{node1}/channels -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' \\
    -d '{{"name":"Plans","type":"PRIVATE","memberIds":["bob","carol"]}}' | jq -r .id)

Hear it on node 2, say something on node 3:
  websocat "ws://127.0.0.1:{node2}/ws/conversation/alice/$ROOM?token=$TOKEN&since=0"
  echo '{{"type":"send_message","content":"Hello","client_id":"1"}}' \\
    | websocat "ws://127.0.0.1:{node3}/ws/conversation/alice/$ROOM?token=$TOKEN"

A topic, on whichever node HAProxy picks; publish in a second shell with the same TOKEN:
  (echo subscribe:Status; cat) | websocat "ws://127.0.0.1:{port}/ws?token=$TOKEN"
  echo 'publish-json:{{"topic":"Status","payload":"up"}}' | websocat "ws://127.0.0.1:{port}/ws?token=$TOKEN"

With socket.io-client:
  const socket = io("http://127.0.0.1:{port}", {{ auth: {{ token }}, transports: ["websocket"] }});
  socket.on("message.created", console.log);
  socket.emit("sendMessage", {{ channelId: room, content: "Hello" }}, console.log);

Take something away and see: kill -9 {pids} (a node), redis {redis_pid}, postgres {postgres_pid}.
Logs and data: {home}
Ctrl-C ends all of it.
"""


def manual(cluster: Cluster, password: str) -> str:
    ports = [node.port for node in cluster.nodes]
    return MANUAL.format(
        postgres=cluster.postgres.port,
        redis=cluster.redis.port,
        nodes="  ".join(node.http for node in cluster.nodes),
        port=cluster.entrance.port,
        users=", ".join(USERS),
        password=password,
        node1=ports[0],
        node2=ports[1],
        node3=ports[2],
        pids=" or ".join(str(node.process.pid) for node in cluster.nodes),
        redis_pid=cluster.redis.process.pid,
        postgres_pid=cluster.postgres.process.pid,
        home=cluster.home,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="a cluster to try out")
    parser.add_argument("--conclave", required=True, help="the server's program")
    parser.add_argument("--check", action="store_true", help="run what is shown, and end")
    options = parser.parse_args()
    program = str(pathlib.Path(options.conclave).absolute())
    with tempfile.TemporaryDirectory(prefix="conclave-cluster-") as home:
        cluster = Cluster(program, pathlib.Path(home), {}, "scram-sha-256")
        end_in_order()
        try:
            print("==> starting PostgreSQL, Redis, three nodes and HAProxy", flush=True)
            cluster.start()
            password = secrets.token_urlsafe(9)
            for user in USERS:
                cluster.add_user(user, password)
            if options.check:
                import shows

                return shows.run(cluster, password)
            print(manual(cluster, password), flush=True)
            while True:
                signal.pause()
        except KeyboardInterrupt:
            print("\n==> stopping", flush=True)
        except (NotReady, AssertionError) as reason:
            print(f"FAILED: {reason}\n{cluster.logs()}", file=sys.stderr)
            return 1
        finally:
            cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
