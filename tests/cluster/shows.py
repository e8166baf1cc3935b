"""Three nodes are one server: clients of three kinds on three nodes, and one node killed."""

from __future__ import annotations

import concurrent.futures
import json
import threading

from borrowed import rooms, socket_io, web, wire
from cluster import USERS, Cluster
from process import until

# Within what one user may send at once.
MESSAGES = 40
HEARD_SECONDS_MAX = 30


class Heard:
    """What one client heard of the room, as it came: (seq, id, content)."""

    def __init__(self, name: str):
        self.name = name
        self.messages: list[tuple[int, str, str]] = []
        self.news = threading.Condition()

    def add(self, seq: int, id: str, content: str) -> None:
        with self.news:
            self.messages.append((seq, id, content))
            self.news.notify_all()

    def wait(self, last: int) -> None:
        """Until the message of that number came."""
        with self.news:
            there = self.news.wait_for(lambda: last in {m[0] for m in self.messages}, HEARD_SECONDS_MAX)
        assert there, f"{self.name} heard {len(self.messages)}, and not number {last}"


class Page:
    """A page with the stock Socket.IO client; it comes in through HAProxy."""

    def __init__(self, cluster: Cluster, token: str):
        self.heard = Heard("the Socket.IO client")
        self.client = socket_io.SocketIo(self.watch)
        again = {"reconnection": True, "reconnectionDelay": 50, "reconnectionDelayMax": 500}
        self.client.dial(cluster.entrance.http, {"token": token}, **again)
        self.client.next("connect")
        self.client.event("offline.end")

    def watch(self, told: dict) -> bool:
        if told["told"] == "event" and told["name"] == "message.created":
            message = told["data"][0]
            self.heard.add(message["seq"], message["id"], message["content"])
            return True
        # Between two nodes HAProxy may have nobody to send it to; the library tries again.
        return told["told"] == "connect_error"

    def say(self, room: str, number: int) -> None:
        text = f"alice {number}"
        self.client.done("sendMessage", {"channelId": room, "content": text, "clientId": text})

    def catch_up(self, cluster: Cluster, room: str, token: str) -> None:
        """What a page does that is back: it reads on behind the last that it has."""
        while True:
            last = max((message[0] for message in self.heard.messages), default=0)
            path = f"/channels/{room}/messages?after={last}&limit=200"
            page = rooms.read(cluster.entrance, path, token)
            for message in reversed(page):
                self.heard.add(message["seq"], message["id"], message["content"])
            if not page:
                return


class Script:
    """A script with `websockets` in the conversation dialect, on one node."""

    def __init__(self, node, user: str, room: str, token: str):
        self.user = user
        self.heard = Heard(f"{user} on {node.name}")
        self.acked = threading.Semaphore(0)
        self.connection = rooms.conversation(node, user, room, token)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        for text in self.connection:
            frame = json.loads(text)
            if frame["type"] == "user_message":
                self.heard.add(frame["seq"], frame["message_id"], frame["content"])
            elif frame["type"] == "message_status" and frame["status"] == "sent":
                self.acked.release()
            assert frame["type"] != "error", frame

    def say(self, number: int) -> None:
        text = f"{self.user} {number}"
        rooms.say(self.connection, "send_message", content=text, client_id=text)
        assert self.acked.acquire(timeout=HEARD_SECONDS_MAX), f"no ack of {text}"


def run(cluster: Cluster, password: str) -> int:
    """Exit code 0, or an `AssertionError` that says what is not as promised."""
    tokens = {user: sign_in(cluster, user, password) for user in USERS}
    topics_cross(cluster, tokens["alice"])
    room = rooms.create(cluster.nodes[2], tokens["alice"], ["bob", "carol"])
    with cluster.entrance.only(1):
        page = Page(cluster, tokens["alice"])
    with page.client:
        scripts = [
            Script(cluster.nodes[1], "bob", room, tokens["bob"]),
            Script(cluster.nodes[2], "carol", room, tokens["carol"]),
        ]
        one_room_one_order(cluster, page, scripts, room, tokens["alice"])
        a_node_dies(cluster, page, scripts, room, tokens["alice"])
        a_node_is_restarted(cluster, scripts, room, tokens["alice"])
        for script in scripts:
            script.connection.close()
    return 0


def sign_in(cluster: Cluster, user: str, password: str) -> str:
    body = {"username": user, "password": password, "session_id": f"{user}-demo"}
    answer = web.post_json(f"{cluster.entrance.http}/auth/token", body)
    assert answer.status == 200, answer
    return answer.json()["token"]


def topics_cross(cluster: Cluster, token: str) -> None:
    """Published on nodes 1 and 2, heard on node 3 once each and in each publisher's order."""
    one, two, three = (wire.dial(node, token) for node in cluster.nodes)
    with one, two, three:
        three.send("subscribe:Status")
        wire.settle(three)
        for number in range(MESSAGES):
            for name, publisher in (("one", one), ("two", two)):
                body = json.dumps({"topic": "Status", "payload": [name, number]})
                publisher.send(f"publish-json:{body}")
        heard = [wire.frame(three)["payload"] for _ in range(2 * MESSAGES)]
    for name in ("one", "two"):
        assert [n for who, n in heard if who == name] == list(range(MESSAGES)), heard
    print(f"ok     a topic: {2 * MESSAGES} from nodes 1 and 2 heard on node 3, in order")


def one_room_one_order(cluster, page: Page, scripts: list[Script], room: str, token: str) -> None:
    with concurrent.futures.ThreadPoolExecutor() as pool:
        talks = [pool.submit(lambda: [page.say(room, n) for n in range(MESSAGES)])]
        talks += [pool.submit(lambda s=s: [s.say(n) for n in range(MESSAGES)]) for s in scripts]
        for talk in talks:
            talk.result()
    stored = history(cluster, room, token)
    assert len(stored) == (1 + len(scripts)) * MESSAGES, len(stored)
    for heard in (page.heard, *(script.heard for script in scripts)):
        heard.wait(stored[-1][0])
        assert heard.messages == stored, f"{heard.name} heard another order than what is stored"
    print(f"ok     a room: {len(stored)} from three nodes, heard on all three in one order")


def a_node_dies(cluster, page: Page, scripts: list[Script], room: str, token: str) -> None:
    cluster.nodes[0].crash()
    for number in range(MESSAGES, 2 * MESSAGES):
        for script in scripts:
            script.say(number)
    page.client.next("disconnect")
    state = page.client.next("connect")
    page.catch_up(cluster, room, token)
    page.say(room, MESSAGES)
    stored = history(cluster, room, token)
    for heard in (page.heard, *(script.heard for script in scripts)):
        heard.wait(stored[-1][0])
        # What came live while the page read on may be there twice; a page knows it by its id.
        assert sorted(set(heard.messages)) == stored, f"{heard.name} misses something"
    how = "recovered" if state["recovered"] else "read on"
    print(f"ok     kill -9 of node 1: its page is elsewhere ({how}), nothing is missing")
    cluster.nodes[0].start()
    until(cluster.is_whole, 30, "the node is back in")


def a_node_is_restarted(cluster, scripts: list[Script], room: str, token: str) -> None:
    """SIGTERM: the library comes back by itself and is given what it missed."""
    with cluster.entrance.only(1):
        page = Page(cluster, token)
    with page.client:
        # From here on it must hear everything.
        scripts[0].say(2 * MESSAGES)
        page.heard.wait(history(cluster, room, token)[-1][0])
        first = page.heard.messages[-1]
        assert cluster.nodes[0].stop() == 0, cluster.nodes[0].log_tail()
        scripts[1].say(2 * MESSAGES)
        page.client.next("disconnect")
        state = page.client.next("connect")
        scripts[0].say(2 * MESSAGES + 1)
        stored = history(cluster, room, token)
        page.heard.wait(stored[-1][0])
        assert state["recovered"], state
        expected = stored[stored.index(first) :]
        assert page.heard.messages[-len(expected) :] == expected, page.heard.messages
    print("ok     SIGTERM to node 1: its page is recovered elsewhere, nothing is missing or twice")
    cluster.nodes[0].start()
    until(cluster.is_whole, 30, "the node is back in")


def history(cluster: Cluster, room: str, token: str) -> list[tuple[int, str, str]]:
    found = rooms.history(cluster.nodes[1], room, token)
    return [(message["seq"], message["id"], message["content"]) for message in found]
