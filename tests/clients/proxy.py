"""A TCP proxy on loopback whose connections can be cut, as a network would."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

BYTES = 65_536


class Proxy:
    """Passes bytes on to a port, until it is `cut`; then refuses everybody until it is `mended`."""

    def __init__(self, port: int):
        self.target = port
        self.lock = threading.Lock()
        self.broken = False
        # Servers that are not told that their client is gone.
        self.kept: list[socket.socket] = []
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_) -> None:
        self.cut()
        for server in self.kept:
            reset(server)
        # `accept` alone would not notice.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with self.lock:
                    if self.broken:
                        reset(client)
                        continue
                    server = socket.create_connection(("127.0.0.1", self.target))
                    self.pairs.append((client, server))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def cut(self) -> None:
        """Resets all connections on both sides, without a word of any protocol."""
        with self.lock:
            self.broken = True
            for pair in self.pairs:
                for end in pair:
                    reset(end)
            self.pairs.clear()

    def leave(self) -> None:
        """The clients change to another network: their connections end, and the server hears nothing."""
        with self.lock:
            for client, server in self.pairs:
                self.kept.append(server)
                reset(client)
            self.pairs.clear()

    def mend(self) -> None:
        with self.lock:
            self.broken = False

    def pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BYTES):
                sink.sendall(data)
            with self.lock:
                if sink not in self.kept:
                    sink.shutdown(socket.SHUT_WR)


def reset(end: socket.socket) -> None:
    """Closes with RST; whoever is blocked on the socket wakes."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RD)
    with contextlib.suppress(OSError):
        end.close()
