"""Topics over `/ws`: publish and subscribe inside the session of the token."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import json
import logging
import weakref
from typing import Any

from .errors import BadRequest, ConclaveError, NetworkError, OutboxFull, of_code
from .events import JsonObject, Publication, TopicEvent, TopicGap
from .link import Link, Send, Settings, checked_frame
from .listening import Queue

log = logging.getLogger("conclave_client")

TOPIC_BYTES_MAX = 255
RETRY_SECONDS = 1.0


@dataclasses.dataclass
class _Command:
    """A text command; the server answers each, in the order they came."""

    name: str
    text: str
    topic: str
    answer: asyncio.Future[Any] | None = None


class TopicListener(Queue[TopicEvent]):
    """The publications of one topic. One that is read too slowly loses the oldest, and is told."""

    def __init__(self, most: int, topic: str):
        super().__init__(most)
        self._topic = topic
        self._gapped = False

    def take(self, event: TopicEvent) -> None:
        if self.full:
            self.drop_oldest()
            self._gapped = True
        self.push(event)

    async def __anext__(self) -> TopicEvent:
        if self._gapped:
            self._gapped = False
            return TopicGap(self._topic)
        return await super().__anext__()


class _Subscribed:
    """Who listens to a topic, and the place to go on from after an interruption."""

    def __init__(self) -> None:
        self.listeners: weakref.WeakSet[TopicListener] = weakref.WeakSet()
        self.place: tuple[int, int] | None = None
        self.asked = False


class Topics:
    """The topics of one client over one link."""

    name = "topics"
    hello = "ping"

    def __init__(self, settings: Settings):
        self.link = Link(settings, self)
        self._settings = settings
        self._wake = asyncio.Event()
        # Commands about this connection go before what the user wants.
        self._urgent: collections.deque[_Command] = collections.deque()
        self._waiting: collections.deque[_Command] = collections.deque()
        self._asked: collections.deque[_Command] = collections.deque()
        self._topics: dict[str, _Subscribed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._online = False
        self._pubsub = False
        self._over: ConclaveError | None = None

    def listen(self, topic: str) -> TopicListener:
        listener = TopicListener(self._settings.queue_max, checked_topic(topic))
        if self._over is not None:
            listener.finish(self._over)
            return listener
        subscribed = self._topics.setdefault(topic, _Subscribed())
        subscribed.listeners.add(listener)
        self.link.start()
        if self._online:
            self._subscribe(topic, subscribed)
        return listener

    def publish(self, topic: str, payload: Any, name: str | None) -> asyncio.Future[Any]:
        body: dict[str, Any] = {"topic": checked_topic(topic), "payload": payload}
        if name is not None:
            body["publisher_name"] = name
        return self._command("publish-json", f"publish-json:{json.dumps(body)}", topic)

    def present(self, topic: str) -> asyncio.Future[Any]:
        return self._command("presence", f"presence:{checked_topic(topic)}", topic)

    async def close(self) -> None:
        await self.link.close()
        for task in list(self._tasks):
            task.cancel()

    # What the link asks for.

    async def path(self) -> str:
        return "/ws?ack=1&recover=1"

    def opened(self, first: str) -> None:
        self._online, self._pubsub = True, False
        for topic, subscribed in list(self._topics.items()):
            subscribed.asked = False
            if subscribed.listeners:
                self._subscribe(topic, subscribed)
            else:
                del self._topics[topic]
        self._wake.set()

    async def write(self, send: Send) -> None:
        while True:
            queue = self._urgent or self._waiting
            if not queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            command = queue.popleft()
            if command.answer is not None and command.answer.cancelled():
                continue
            self._asked.append(command)
            await send(command.text)

    async def renew(self, token: str) -> None:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._urgent.append(_Command("auth", f"auth:{token}", "", answer))
        self._wake.set()
        await answer

    def lost(self, error: ConclaveError) -> None:
        self._online = False
        asked, self._asked = self._asked, collections.deque()
        urgent, self._urgent = self._urgent, collections.deque()
        for command in (*asked, *urgent):
            _fail(command, NetworkError("the connection was lost before the answer"))

    def ended(self, error: ConclaveError) -> None:
        self.lost(error)
        self._over = error
        waiting, self._waiting = self._waiting, collections.deque()
        for command in waiting:
            _fail(command, error)
        topics, self._topics = self._topics, {}
        for subscribed in topics.values():
            for listener in list(subscribed.listeners):
                listener.finish(error)

    def heard(self, text: str) -> None:
        if text == "pong":
            return
        try:
            frame = json.loads(text)
            if not isinstance(frame, dict) or (not self._pubsub and "requestId" in frame):
                # Until the first command is answered, broadcasts arrive here too.
                return
            self._take(frame)
        except (ValueError, KeyError, TypeError):
            log.warning("topics: a frame of an unknown form was passed over")

    # What the server says.

    def _take(self, frame: JsonObject) -> None:
        kind = frame.get("type")
        if kind is None:
            self._publication(frame)
        elif kind == "gap":
            self._tell(frame["topic"], TopicGap(frame["topic"]))
        elif kind == "error":
            self._refused(frame)
        else:
            name = {"auth_success": "auth", "ack": frame.get("command")}.get(str(kind), kind)
            command = self._answered(str(name))
            if command is not None and command.answer is not None and not command.answer.done():
                command.answer.set_result(frame)

    def _publication(self, frame: JsonObject) -> None:
        topic = frame["topic"]
        subscribed = self._topics.get(topic)
        if subscribed is None:
            return
        offset, epoch = frame.get("offset"), frame.get("epoch")
        if isinstance(offset, int) and isinstance(epoch, int):
            subscribed.place = (offset, epoch)
        if not subscribed.listeners:
            del self._topics[topic]
            self._urge("unsubscribe", f"unsubscribe:{topic}", topic)
            return
        publication = Publication(
            topic=topic,
            payload=frame.get("payload"),
            publisher_name=str(frame.get("publisher_name", "")),
            user=frame.get("user"),
            timestamp=str(frame.get("timestamp", "")),
            session_id=str(frame.get("session_id", "")),
            offset=offset,
        )
        self._tell(topic, publication)

    def _refused(self, frame: JsonObject) -> None:
        error = of_code(str(frame.get("code")), str(frame.get("message", "")))
        command = self._answered(str(frame.get("command")))
        if command is not None:
            if command.name == "subscribe":
                self._not_subscribed(command.topic, error)
            _fail(command, error)
        elif frame.get("command") == "subscribe" and "topic" in frame:
            self._not_subscribed(frame["topic"], error)
        else:
            log.warning("topics: %s (%s)", error, error.code)
            if error.retryable:
                # Which command it was is not said.
                self.link.reconnect()

    def _answered(self, name: str) -> _Command | None:
        """The command that an answer is to: the oldest, if it is of that name."""
        if self._asked and self._asked[0].name == name:
            self._pubsub = self._pubsub or name != "auth"
            return self._asked.popleft()
        return None

    def _not_subscribed(self, topic: str, error: ConclaveError) -> None:
        subscribed = self._topics.get(topic)
        if subscribed is None:
            return
        subscribed.asked = False
        if error.retryable:
            task = asyncio.get_running_loop().create_task(self._subscribe_later(topic, subscribed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        del self._topics[topic]
        for listener in list(subscribed.listeners):
            listener.finish(error)

    async def _subscribe_later(self, topic: str, subscribed: _Subscribed) -> None:
        await self._settings.clock.pause(RETRY_SECONDS * (0.5 + self._settings.chance()))
        if self._online and self._topics.get(topic) is subscribed:
            self._subscribe(topic, subscribed)

    def _tell(self, topic: str, event: TopicEvent) -> None:
        subscribed = self._topics.get(topic)
        for listener in list(subscribed.listeners) if subscribed is not None else []:
            listener.take(event)

    def _subscribe(self, topic: str, subscribed: _Subscribed) -> None:
        if subscribed.asked:
            return
        subscribed.asked = True
        text = f"subscribe:{topic}"
        if subscribed.place is not None:
            text += f"?since={subscribed.place[0]},{subscribed.place[1]}"
        self._urge("subscribe", text, topic)

    def _urge(self, name: str, text: str, topic: str) -> None:
        self._urgent.append(_Command(name, text, topic))
        self._wake.set()

    def _command(self, name: str, text: str, topic: str) -> asyncio.Future[Any]:
        if self._over is not None:
            raise self._over
        if len(self._waiting) >= self._settings.outbox_max:
            raise OutboxFull(f"{self._settings.outbox_max} commands wait to be sent already")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Command(name, checked_frame(text), topic, answer))
        self.link.start()
        self._wake.set()
        return answer


def checked_topic(topic: str) -> str:
    """The name, if a command can hold it. Raises `BadRequest`."""
    if not 0 < len(topic.encode()) <= TOPIC_BYTES_MAX:
        raise BadRequest(f"a topic is 1 to {TOPIC_BYTES_MAX} bytes long")
    if "|" in topic or any(ord(letter) < 32 or ord(letter) == 127 for letter in topic):
        raise BadRequest("a topic has no control characters and no '|'")
    return topic


def _fail(command: _Command, error: ConclaveError) -> None:
    if command.answer is not None and not command.answer.done():
        command.answer.set_exception(error)
