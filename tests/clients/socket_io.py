"""The stock `socket.io-client`, each user in a Node process of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time

from node import Node

HERE = pathlib.Path(__file__).parent / "rooms-js"
ANSWER_SECONDS_MAX = 10


class SocketIo:
    """A user. What the client told is kept in order until somebody takes it.

    `watch` sees everything first; what it returns `True` for is not kept.
    """

    def __init__(self, watch=lambda told: False):
        self.watch = watch
        node = shutil.which("node")
        assert node, "Node is missing"
        folder = pathlib.Path(sys.executable).parents[2] / "rooms-js"
        self.process = subprocess.Popen(
            [node, str(HERE / "client.mjs"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told: list[dict] = []
        self.ended = False
        self.news = threading.Condition()
        self.orders = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self) -> SocketIo:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process; the server sees its connection close."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=ANSWER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def listen(self) -> None:
        with contextlib.suppress(ValueError):
            for line in self.process.stdout:
                heard = json.loads(line) | {"at": time.monotonic()}
                if self.watch(heard):
                    continue
                with self.news:
                    self.told.append(heard)
                    self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def take(self, wanted, what: str) -> dict:
        """The first thing told that `wanted` holds of; it and nothing else is taken away."""

        def found() -> int | None:
            return next((i for i, told in enumerate(self.told) if wanted(told)), None)

        with self.news:
            self.news.wait_for(lambda: found() is not None or self.ended, ANSWER_SECONDS_MAX)
            place = found()
            assert place is not None, f"no {what}; told was {self.told}"
            return self.told.pop(place)

    def start(self, do: str, **order) -> int:
        """Gives an order; returns its number at once."""
        self.orders += 1
        self.process.stdin.write(json.dumps({"order": self.orders, "do": do} | order) + "\n")
        self.process.stdin.flush()
        return self.orders

    def outcome(self, order: int) -> dict:
        done = self.take(lambda told: told.get("order") == order, f"answer to order {order}")
        assert "error" not in done, done
        return done

    def order(self, do: str, **order) -> dict:
        return self.outcome(self.start(do, **order))

    def dial(self, url: str, auth: dict | None, **options) -> None:
        """`io(URL, {auth, transports: ["websocket"], …})`."""
        defaults = {"transports": ["websocket"], "reconnection": False} | options
        if auth is not None:
            defaults["auth"] = auth
        self.order("connect", url=url, options=defaults)

    def next(self, kind: str) -> dict:
        """The next `connect`, `connect_error`, `disconnect`, `reconnect_attempt`."""
        return self.take(lambda told: told["told"] == kind, kind)

    def event(self, name: str, **members) -> dict:
        """The data of the next event of that name, and with those members if any are said."""
        return self.event_with_offset(name, **members)[0]

    def event_with_offset(self, name: str, **members) -> list:
        """All arguments of an event."""

        def wanted(told: dict) -> bool:
            if told["told"] != "event" or told["name"] != name:
                return False
            return all(told["data"][0].get(key) == value for key, value in members.items())

        return self.take(wanted, f"event {name} {members}")["data"]

    def pending(self, name: str) -> list:
        """The data of all events of that name told so far; all are taken away."""
        with self.news:
            found = [t for t in self.told if t["told"] == "event" and t["name"] == name]
            self.told = [told for told in self.told if told not in found]
        return [told["data"][0] for told in found]

    def forget(self) -> None:
        """Takes away all that was told so far."""
        with self.news:
            self.told.clear()

    def answer(self, name: str, *data) -> dict:
        """Emits an event and waits for its ack."""
        return self.outcome(self.ask(name, *data))["answer"]

    def ask(self, name: str, *data) -> int:
        """Emits an event with an ack, whose answer is the outcome of the returned order."""
        return self.start("emit", name=name, data=data, ack=True, seconds=ANSWER_SECONDS_MAX)

    def done(self, name: str, *data):
        """What a successful ack holds."""
        answer = self.answer(name, *data)
        assert answer.get("success") is True and set(answer) == {"success", "data"}, answer
        return answer["data"]

    def refused(self, name: str, *data) -> str:
        """The code of an ack that refuses; its text must say something."""
        answer = self.answer(name, *data)
        assert answer.get("success") is False and answer["error"], answer
        assert set(answer) == {"success", "error", "code"}, answer
        return answer["code"]

    def settle(self) -> None:
        """Returns when the server has handled all that was sent before."""
        self.done("message:getOfflineCount")


@contextlib.contextmanager
def user(node: Node, token: str, **options):
    """A connected user who has heard what was missed; nothing of that is left to take."""
    with SocketIo() as client:
        client.dial(node.http, {"token": token}, **options)
        client.next("connect")
        client.event("offline.end")
        client.forget()
        yield client
