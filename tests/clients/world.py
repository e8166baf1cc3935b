"""What a case gets: a server shared by its module, and servers of its own if it asks."""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile

from node import Node, NotReady, clean_environment

# The key of the servers' own tokens, so that a case can sign some by hand.
SECRET = "end-to-end tests sign with this key, nobody else does"


class World:
    """The servers of one module, all stopped at its end."""

    def __init__(self, program: str, home: pathlib.Path):
        self.program = program
        self.home = home
        self.nodes: list[Node] = []
        self.shared: Node | None = None
        self.stillborn: NotReady | None = None

    @property
    def node(self) -> Node:
        """The module's shared server, started at the first use. Its key is `SECRET`."""
        if self.stillborn is not None:
            raise self.stillborn
        if self.shared is None:
            try:
                self.shared = self.start({"JWT_SECRET_KEY": SECRET})
            except NotReady as reason:
                self.stillborn = reason
                raise
        return self.shared

    def start(self, environment: dict[str, str] | None = None) -> Node:
        """A fresh server with an empty data folder and a key of its own making."""
        home = pathlib.Path(tempfile.mkdtemp(dir=self.home))
        node = Node(self.program, home, environment or {})
        self.nodes.append(node)
        return node.start()

    def environment(self) -> dict[str, str]:
        """For programs that a case runs: `websocat` lies beside this Python."""
        environment = clean_environment()
        beside = str(pathlib.Path(sys.executable).parent)
        environment["PATH"] = beside + os.pathsep + environment.get("PATH", "")
        return environment

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def logs(self) -> str:
        """The end of the newest server's log."""
        return self.nodes[-1].log_tail() if self.nodes else ""
