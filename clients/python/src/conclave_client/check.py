"""What a server must accept and what it must refuse, tried from outside.

Each case is one sign-in or one handshake of its own; a failed one does not keep the others from
being tried. Where a case needs the server's signing key and there is none, it says so.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import enum
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from . import rest
from .errors import ConclaveError, Unauthenticated
from .tokens import claims

ANSWER_SECONDS_MAX = 10.0
INVALID = (1008, "Invalid or expired token")
MISSING = (1008, "Missing authentication token")
GREETING = '{"type":"test","payload":{"message":"Hello"}}'


class State(enum.Enum):
    OK = "ok    "
    FAILED = "FAILED"
    NOT_RUN = "-     "


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One line: what was tried and what was seen."""

    state: State
    name: str
    seen: str

    def __str__(self) -> str:
        return f"{self.state.value} {self.name}: {self.seen}"


@dataclasses.dataclass(frozen=True)
class Subject:
    """The server and who signs in. `secret` is its HMAC key, where known."""

    origin: str
    user: str
    password: str = dataclasses.field(repr=False)
    secret: str | None = dataclasses.field(default=None, repr=False)


class _Differs(Exception):
    """Something else was seen than must be."""


class _NotRun(Exception):
    """The case lacks something."""


Case = Callable[["_Trial"], Awaitable[str]]


async def outcomes(subject: Subject) -> AsyncIterator[Outcome]:
    """Tries all cases, one after the other. Raises `NetworkError` where there is no server."""
    await rest.call("GET", f"{subject.origin}/health/live")
    trial = _Trial(subject)
    for name, case in CASES:
        try:
            yield Outcome(State.OK, name, await case(trial))
        except _NotRun as reason:
            yield Outcome(State.NOT_RUN, name, str(reason))
        except (_Differs, ConclaveError, WebSocketException, OSError) as fault:
            yield Outcome(State.FAILED, name, str(fault) or type(fault).__name__)
        except asyncio.TimeoutError:
            yield Outcome(State.FAILED, name, "no answer in time")


class _Trial:
    """The cases of one run; later ones use the token of the first."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self.ws = rest.websocket_origin(subject.origin)
        self._token: str | None = None

    async def token(self) -> str:
        if self._token is None:
            fields = {"username": self.subject.user, "password": self.subject.password}
            answer = await rest.call("POST", f"{self.subject.origin}/token", form=fields)
            self._token = str(answer["access_token"])
        return self._token

    async def signs_in_by_form(self) -> str:
        token = await self.token()
        return f"a token of {claims(token).get('sub')!r}"

    async def signs_in_by_json(self) -> str:
        fields = {"username": self.subject.user, "password": self.subject.password}
        answer = await rest.call("POST", f"{self.subject.origin}/auth/token", body=fields)
        return f"a token for {answer['expires_in']} s"

    async def refuses_a_wrong_password(self) -> str:
        return await self._refused_sign_in(self.subject.user, secrets.token_urlsafe(12))

    async def refuses_an_unknown_user(self) -> str:
        return await self._refused_sign_in(f"nobody-{secrets.token_hex(6)}", "password")

    async def _refused_sign_in(self, user: str, password: str) -> str:
        fields = {"username": user, "password": password}
        try:
            await rest.call("POST", f"{self.subject.origin}/token", form=fields)
        except Unauthenticated as refusal:
            if str(refusal) != "Incorrect username or password":
                raise _Differs(f"refused with {str(refusal)!r}") from None
            return "401 Incorrect username or password"
        raise _Differs("it signed in")

    async def accepts_in_the_header(self) -> str:
        headers = {"Authorization": f"Bearer {await self.token()}"}
        return await self._accepted("/ws", headers)

    async def accepts_in_the_query(self) -> str:
        # The place that the documented line uses; it exists for clients that can set no header.
        return await self._accepted(rest.path("ws", token=await self.token()), {})

    async def accepts_a_ticket_once(self) -> str:
        url = f"{self.subject.origin}/auth/ticket"
        answer = await rest.call("POST", url, token=await self.token(), body={})
        path = rest.path("ws", ticket=answer["ticket"])
        await self._accepted(path, {})
        return f"once, then {await self._refused(path, None, INVALID)}"

    async def refuses_no_token(self) -> str:
        return await self._refused("/ws", None, MISSING)

    async def refuses_garbage(self) -> str:
        return await self._refused("/ws", "not.a.token", INVALID)

    async def refuses_a_wrong_signature(self) -> str:
        head, body, _ = (await self.token()).split(".")
        mac = hmac.new(secrets.token_bytes(32), f"{head}.{body}".encode(), hashlib.sha256)
        return await self._refused("/ws", f"{head}.{body}.{_encoded(mac.digest())}", INVALID)

    async def refuses_changed_claims(self) -> str:
        head, _, signature = (await self.token()).split(".")
        changed = claims(await self.token()) | {"sub": "admin", "roles": ["admin"]}
        body = _encoded(json.dumps(changed).encode())
        return await self._refused("/ws", f"{head}.{body}.{signature}", INVALID)

    async def refuses_alg_none(self) -> str:
        head = _encoded(b'{"alg":"none","typ":"JWT"}')
        body = (await self.token()).split(".")[1]
        return await self._refused("/ws", f"{head}.{body}.", INVALID)

    async def refuses_an_expired_token(self) -> str:
        if self.subject.secret is None:
            raise _NotRun("needs the server's key: JWT_SECRET_KEY or --secret-file")
        now = int(time.time())
        body = {"sub": self.subject.user, "iat": now - 7200, "exp": now + 600}
        alive = _signed(self.subject.secret, body)
        await self._accepted("/ws", {"Authorization": f"Bearer {alive}"})
        expired = _signed(self.subject.secret, body | {"exp": now - 3600})
        return await self._refused("/ws", expired, INVALID)

    async def accepts_the_own_feed(self) -> str:
        user = str(claims(await self.token()).get("sub"))
        headers = {"Authorization": f"Bearer {await self.token()}"}
        async with connect(self.ws + rest.path("ws", user), additional_headers=headers) as opened:
            first = await asyncio.wait_for(opened.recv(), ANSWER_SECONDS_MAX)
        frame = json.loads(first)
        if frame.get("type") != "connected" or frame.get("user_id") != user:
            raise _Differs(f"the first frame was {frame.get('type')!r}")
        return f"connected as {user!r}"

    async def refuses_the_feed_of_another(self) -> str:
        return await self._refused("/ws/somebody-else", await self.token(), (4003, "Access denied"))

    async def refuses_a_feed_without_token(self) -> str:
        path = rest.path("ws", self.subject.user)
        return await self._refused(path, None, (4001, "Missing authentication token"))

    async def _accepted(self, path: str, headers: dict[str, str]) -> str:
        """The greeting comes back with the fields of the server."""
        async with connect(self.ws + path, additional_headers=headers) as opened:
            await opened.send(GREETING)
            while True:
                frame = json.loads(await asyncio.wait_for(opened.recv(), ANSWER_SECONDS_MAX))
                if frame.get("type") == "test" and frame.get("user") == self.subject.user:
                    return f"the message came back, of user {frame['user']!r}"

    async def _refused(self, path: str, token: str | None, wanted: tuple[int, str]) -> str:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        try:
            async with connect(self.ws + path, additional_headers=headers) as opened:
                await opened.send(GREETING)
                await asyncio.wait_for(opened.recv(), ANSWER_SECONDS_MAX)
        except ConnectionClosed as end:
            if end.rcvd is None:
                raise _Differs("the connection was cut without a close code") from None
            seen = (end.rcvd.code, end.rcvd.reason)
            if seen != wanted:
                raise _Differs(f"closed with {seen[0]} {seen[1]}, not {wanted[0]} {wanted[1]}") from None
            return f"closed with {seen[0]} {seen[1]}"
        raise _Differs("it was let in")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signed(secret: str, body: dict[str, Any]) -> str:
    text = ".".join(
        _encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, body)
    )
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{_encoded(mac)}"


CASES: list[tuple[str, Case]] = [
    ("sign-in by form", _Trial.signs_in_by_form),
    ("sign-in by JSON", _Trial.signs_in_by_json),
    ("wrong password", _Trial.refuses_a_wrong_password),
    ("unknown user", _Trial.refuses_an_unknown_user),
    ("valid token in the header", _Trial.accepts_in_the_header),
    ("valid token in the query", _Trial.accepts_in_the_query),
    ("ticket", _Trial.accepts_a_ticket_once),
    ("no token", _Trial.refuses_no_token),
    ("garbage for a token", _Trial.refuses_garbage),
    ("wrong signature", _Trial.refuses_a_wrong_signature),
    ("changed claims", _Trial.refuses_changed_claims),
    ("alg none", _Trial.refuses_alg_none),
    ("expired token", _Trial.refuses_an_expired_token),
    ("own feed", _Trial.accepts_the_own_feed),
    ("feed of another user", _Trial.refuses_the_feed_of_another),
    ("feed without a token", _Trial.refuses_a_feed_without_token),
]
