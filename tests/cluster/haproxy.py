"""HAProxy twice over: where clients come in, and the network between a node and what it needs."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import socket

from borrowed import free_port
from process import NotReady, Process

HERE = pathlib.Path(__file__).parent


class Haproxy(Process):
    """One with a configuration made from a template."""

    def __init__(self, name: str, home: pathlib.Path):
        home = home / name
        home.mkdir(mode=0o700)
        super().__init__(name, home)
        # Debian puts it where only root looks.
        self.program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if self.program is None:
            raise NotReady("haproxy is nowhere; '.ci/install haproxy' installs it")
        self.settings = home / "haproxy.cfg"

    def configure(self, template: str, **values) -> None:
        self.settings.write_text((HERE / template).read_text().format(**values))

    def command(self) -> list[str]:
        return [self.program, "-db", "-f", str(self.settings)]


class Entrance(Haproxy):
    """Spreads clients over the nodes that say that they are ready."""

    def __init__(self, home: pathlib.Path, ports: list[int]):
        super().__init__("haproxy", home)
        self.port = free_port()
        self.numbers = range(1, len(ports) + 1)
        self.control = self.home / "control"
        servers = (f"    server node{n} 127.0.0.1:{port}" for n, port in enumerate(ports, 1))
        lines = "\n".join(servers)
        self.configure("haproxy.cfg", port=self.port, control=self.control, servers=lines)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def is_ready(self) -> bool:
        return bool(self.up())

    def up(self) -> set[str]:
        """The names of the nodes that it sends clients to."""
        rows = (line.split(",") for line in self.say("show stat").splitlines())
        return {
            fields[1]
            for fields in rows
            if fields[0] == "nodes" and fields[1].startswith("node") and fields[17] == "UP"
        }

    @contextlib.contextmanager
    def only(self, node: int):
        """Whoever comes meanwhile gets the node of that number."""
        others = [other for other in self.numbers if other != node]
        for other in others:
            self.say(f"set server nodes/node{other} state drain")
        try:
            yield
        finally:
            for other in others:
                self.say(f"set server nodes/node{other} state ready")

    def say(self, command: str) -> str:
        """What it answers on its control socket; nothing where it does not."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(2)
            asked.connect(str(self.control))
            asked.sendall(f"{command}\n".encode())
            return asked.makefile().read()
        return ""


class Link(Haproxy):
    """The network between one node and Redis, or PostgreSQL. Hung, nothing passes and nobody is
    told; what was on its way arrives when it goes on. Killed, what was on its way is lost."""

    def __init__(self, home: pathlib.Path, name: str, target: int):
        super().__init__(f"link-{name}", home)
        self.port = free_port()
        self.configure("link.cfg", port=self.port, target=target)

    def is_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
