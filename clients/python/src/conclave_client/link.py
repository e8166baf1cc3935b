"""One WebSocket that comes back: a fresh token each time, jittered delays, renewal in-band."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from . import rest
from .closing import Comeback, Loss, after_close, after_error, after_status
from .errors import (
    BadRequest,
    ClientClosed,
    ConclaveError,
    NetworkError,
    TooLarge,
    Unauthenticated,
)
from .pacing import (
    MESSAGES_BURST,
    MESSAGES_PER_SECOND,
    Backoff,
    Clock,
    Pace,
    Random,
    SystemClock,
    system_random,
)
from .tokens import Tokens, lifetime, renewal_margin

log = logging.getLogger("conclave_client")

OPEN_SECONDS_MAX = 15.0
FRAME_BYTES_MAX = 65536
RECEIVED_BYTES_MAX = 4 * 1024 * 1024
LATER_SECONDS_MIN = 5.0
SPREAD_SECONDS = 3.0
# A connection that lasted less does not make the next delay a short one.
STEADY_SECONDS_MIN = 5.0
# A renewal comes so much after the moment in which the source holds a token to be old.
RENEWAL_GRACE_SECONDS = 0.1
RENEWAL_RETRY_SECONDS_MIN = 1.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all links of a client share."""

    origin: str
    tokens: Tokens
    clock: Clock = dataclasses.field(default_factory=SystemClock)
    chance: Random = system_random
    outbox_max: int = 1000
    queue_max: int = 1000
    on_status: Callable[[str, str, ConclaveError | None], None] | None = None


class Surface(Protocol):
    """What speaks over a link."""

    name: str

    @property
    def hello(self) -> str | None:
        """Sent first where the server does not speak first: any frame back proves the admission."""

    async def path(self) -> str:
        """Path and query, for one connection."""

    def opened(self, first: str) -> None:
        """The server took the connection; `first` is its first frame."""

    def heard(self, text: str) -> None:
        """A frame."""

    async def write(self, send: Send) -> None:
        """Sends what there is to send until it is cancelled."""

    async def renew(self, token: str) -> None:
        """Asks the server to go on with that token; returns or raises its answer."""

    def lost(self, error: ConclaveError) -> None:
        """The connection is gone; another follows."""

    def ended(self, error: ConclaveError) -> None:
        """No other follows."""


class Send(Protocol):
    """Writes one frame at the link's pace."""

    async def __call__(self, text: str) -> None: ...


class _Dial(connect):
    """No redirect is followed: it would lead the token elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Link:
    """Keeps a surface connected from `start` until `close`, or until the server says never.

    `status` is `idle`, `connecting`, `online`, `waiting` (lost, tries again) or `ended`.
    """

    def __init__(self, settings: Settings, surface: Surface):
        self.status = "idle"
        self.error: ConclaveError | None = None
        self._settings = settings
        self._clock = settings.clock
        self._surface = surface
        # When the server took the connection that there is now.
        self._since: float | None = None
        self._backoff = Backoff(settings.chance)
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._hurry = asyncio.Event()
        self._connection: ClientConnection | None = None
        self._given_up: asyncio.Future[None] | None = None
        self._refused: str | None = None
        self._refusals = 0

    def start(self) -> None:
        """Begins to connect, once."""
        if self._task is None and self.status != "ended":
            self._first = asyncio.get_running_loop().create_future()
            self._first.add_done_callback(_look_at)
            self._task = asyncio.create_task(self._run())

    async def first(self) -> None:
        """Returns when the server took the first connection; raises what the first try came to."""
        self.start()
        if self._first is None:
            raise self.error or ClientClosed("the client is closed")
        await asyncio.shield(self._first)

    def retry_now(self) -> None:
        """Does not wait any longer where it waits to try again."""
        self._hurry.set()

    def reconnect(self) -> None:
        """Gives this connection up for another one, after a while."""
        if self._connection is not None and self._given_up is None:
            self._given_up = asyncio.ensure_future(self._connection.close())

    async def close(self) -> None:
        """Ends the connection; who still waits on it gets `ClientClosed`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self.status == "idle":
            self.status, self.error = "ended", ClientClosed("the client was closed")
            self._surface.ended(self.error)
        elif self.status != "ended":
            self._end(ClientClosed("the client was closed"))

    async def _run(self) -> None:
        try:
            await self._keep()
        except Exception as fault:
            # Nobody may wait for ever on what this client does wrong.
            log.exception("%s: the connection is given up", self._surface.name)
            self._end(ConclaveError(f"a fault of the client: {fault!r}"))

    async def _keep(self) -> None:
        while True:
            self._turn("connecting", None)
            self._since = None
            loss = self._with_tokens(await self._live())
            if self._since is not None and self._clock.now() - self._since >= STEADY_SECONDS_MIN:
                self._backoff.reset()
            if loss.comeback is Comeback.NEVER:
                self._end(loss.error)
                return
            self._surface.lost(loss.error)
            if loss.comeback is not Comeback.ANOTHER_TOKEN:
                self._settle(loss.error)
            await self._wait(loss)

    async def _live(self) -> Loss:
        """One connection, from its dial to its end; why it ended."""
        token = None
        try:
            token = await self._settings.tokens.token()
            if token == self._refused:
                raise Unauthenticated("the server refused the token, and there is no other")
            async with await self._dial(token) as connection:
                return await self._serve(connection, token)
        except ConclaveError as error:
            return after_error(error)
        except InvalidStatus as refusal:
            self._refused = token if refusal.response.status_code == 401 else self._refused
            after = refusal.response.headers.get("Retry-After", "")
            seconds = float(after) if after.isdigit() else None
            return after_status(refusal.response.status_code, seconds)
        except InvalidURI as fault:
            return Loss(BadRequest(str(fault)), Comeback.NEVER)
        except (InvalidHandshake, OSError, asyncio.TimeoutError, EOFError) as fault:
            text = str(fault) or "no answer in time"
            unreached = NetworkError(f"{self._settings.origin} cannot be reached: {text}")
            return Loss(unreached, Comeback.SOON)

    async def _dial(self, token: str) -> ClientConnection:
        path = await self._surface.path()
        return await _Dial(
            rest.websocket_origin(self._settings.origin) + path,
            additional_headers={"Authorization": f"Bearer {token}"},
            open_timeout=OPEN_SECONDS_MAX,
            close_timeout=2.0,
            max_size=RECEIVED_BYTES_MAX,
        )

    async def _serve(self, connection: ClientConnection, token: str) -> Loss:
        tasks: list[asyncio.Task[Any]] = []
        self._connection, self._given_up = connection, None
        try:
            if self._surface.hello is not None:
                await connection.send(self._surface.hello)
            first = await asyncio.wait_for(connection.recv(), OPEN_SECONDS_MAX)
            self._admitted()
            self._surface.opened(_text(first))
            tasks = [
                asyncio.create_task(self._write(connection)),
                asyncio.create_task(self._renew(token)),
            ]
            while True:
                self._surface.heard(_text(await connection.recv()))
        except ConnectionClosed as end:
            if self._given_up is not None:
                return Loss(NetworkError("the server takes no more for now"), Comeback.LATER)
            code = end.rcvd.code if end.rcvd is not None else None
            loss = after_close(code, end.rcvd.reason if end.rcvd is not None else "")
            if loss.comeback is Comeback.ANOTHER_TOKEN:
                self._refused = token
            return loss
        finally:
            self._connection = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, connection: ClientConnection) -> None:
        pace = Pace(self._settings.clock, MESSAGES_PER_SECOND, MESSAGES_BURST)

        async def send(text: str) -> None:
            await pace.turn()
            await connection.send(text)

        try:
            await self._surface.write(send)
        except ConnectionClosed:
            pass
        except Exception:
            log.exception("%s: what writes ended", self._surface.name)
            await connection.close(1011)

    async def _renew(self, token: str) -> None:
        """Before the token ends, hands the server the next one, as long as there is one."""
        tokens, clock = self._settings.tokens, self._settings.clock
        measured, margin = "", 0.0
        while (left := tokens.seconds_left(token)) is not None and left > 0:
            if measured != token:
                measured, margin = token, renewal_margin(lifetime(token) or left)
            wait = left - margin
            if wait > 0:
                await clock.pause(wait + RENEWAL_GRACE_SECONDS)
            renewed = token
            try:
                renewed = await tokens.token()
                if renewed != token:
                    await self._surface.renew(renewed)
                    token = renewed
                    continue
            except ConclaveError as error:
                log.warning("%s: the token was not renewed: %s", self._surface.name, error)
                if isinstance(error, Unauthenticated) and renewed != token:
                    tokens.invalidate(renewed)
                elif not error.retryable:
                    return
            await clock.pause(max(RENEWAL_RETRY_SECONDS_MIN, margin / 4))

    def _with_tokens(self, loss: Loss) -> Loss:
        """A refused token: one more try, with another one, since the last admission."""
        if loss.comeback is not Comeback.ANOTHER_TOKEN:
            return loss
        self._refusals += 1
        if self._refusals > 1:
            return Loss(loss.error, Comeback.NEVER)
        if self._refused is not None:
            self._settings.tokens.invalidate(self._refused)
        return loss

    def _admitted(self) -> None:
        self._refusals = 0
        self._refused = None
        self._since = self._clock.now()
        if self._first is not None and not self._first.done():
            self._first.set_result(None)
        self._turn("online", None)

    async def _wait(self, loss: Loss) -> None:
        delay = self._backoff.next()
        if loss.comeback is Comeback.ANOTHER_TOKEN:
            delay = min(delay, 0.2)
        if loss.comeback is Comeback.SPREAD:
            delay += SPREAD_SECONDS * self._settings.chance()
        if loss.comeback is Comeback.LATER:
            delay += LATER_SECONDS_MIN
        if loss.error.retry_after is not None:
            delay = max(delay, loss.error.retry_after)
        self._turn("waiting", loss.error)
        self._hurry.clear()
        pause = asyncio.ensure_future(self._settings.clock.pause(delay))
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait({pause, hurry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            hurry.cancel()

    def _end(self, error: ConclaveError) -> None:
        self.error = error
        self._surface.ended(error)
        self._settle(error)
        self._turn("ended", error)

    def _settle(self, error: ConclaveError) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_exception(error)

    def _turn(self, status: str, error: ConclaveError | None) -> None:
        self.status = status
        if self._settings.on_status is None:
            return
        try:
            self._settings.on_status(self._surface.name, status, error)
        except Exception:
            log.exception("on_status failed")


def checked_frame(text: str) -> str:
    """The text, which the server would close the connection for if it were over its limit."""
    if len(text.encode()) > FRAME_BYTES_MAX:
        raise TooLarge(f"a message over {FRAME_BYTES_MAX} bytes")
    return text


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode("utf-8", "replace")


def _look_at(future: asyncio.Future[None]) -> None:
    """Nobody has to ask for what the first try came to."""
    if not future.cancelled():
        future.exception()
