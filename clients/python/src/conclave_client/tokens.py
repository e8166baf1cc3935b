"""Where access tokens come from, and how long they live."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Union

from . import rest
from .errors import ConclaveError, NetworkError, Unauthenticated
from .pacing import Clock, SystemClock


class Tokens(Protocol):
    """A source of access tokens, asked before each connection and each call."""

    async def token(self) -> str:
        """A valid token, a new one where the last is about to end."""

    def invalidate(self, token: str) -> None:
        """The server refused that token; the next one must be another."""

    def seconds_left(self, token: str) -> float | None:
        """How long it lives, None where nobody knows."""


TokenSource = Union[Tokens, str, Callable[[], Awaitable[str]]]


def renewal_margin(lifetime: float) -> float:
    """How many seconds before its end a token is renewed: a fifth of its life, at most 60."""
    return min(60.0, max(0.0, lifetime) * 0.2)


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified, for its times only; empty where it is none."""
    try:
        part = token.split(".")[1]
        read = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return read if isinstance(read, dict) else {}
    except (IndexError, ValueError):
        return {}


def lifetime(token: str) -> float | None:
    """From a JWT's `iat` to its `exp`, in seconds."""
    read = claims(token)
    begins, ends = read.get("iat"), read.get("exp")
    if isinstance(begins, (int, float)) and isinstance(ends, (int, float)):
        return float(ends - begins)
    return None


def source(given: TokenSource, clock: Clock | None = None) -> Tokens:
    """What the user gave as a source: a string, a coroutine function, or a source already."""
    if isinstance(given, str):
        return _Fixed(given, clock or SystemClock())
    if callable(given):
        return _Called(given, clock or SystemClock())
    return given


class _ByClaims:
    """Lives as long as its claims say."""

    def __init__(self, clock: Clock):
        self._clock = clock

    def seconds_left(self, token: str) -> float | None:
        ends = claims(token).get("exp")
        return float(ends) - self._clock.wall() if isinstance(ends, (int, float)) else None


class _Fixed(_ByClaims):
    """One token for good."""

    def __init__(self, token: str, clock: Clock):
        super().__init__(clock)
        self._token = token

    async def token(self) -> str:
        return self._token

    def invalidate(self, token: str) -> None:
        """There is no other."""


class _Called(_ByClaims):
    """The application's own coroutine function."""

    def __init__(self, function: Callable[[], Awaitable[str]], clock: Clock):
        super().__init__(clock)
        self._function = function

    async def token(self) -> str:
        try:
            return await self._function()
        except ConclaveError:
            raise
        except Exception as fault:
            raise NetworkError(f"the source of tokens failed: {fault!r}") from fault

    def invalidate(self, token: str) -> None:
        """The function is asked anew each time."""


class SignIn:
    """Signs in by name and password at `/auth/token`, refreshes, and signs in again where needed.

    `session` names the session to work in. The password is kept in memory as long as this object.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        session: str | None = None,
        *,
        clock: Clock | None = None,
    ):
        self._origin = rest.origin(url)
        self._user = user
        self._password = password
        self._session = session
        self._clock = clock or SystemClock()
        self._lock: asyncio.Lock | None = None
        self._token: str | None = None
        self._refresh: str | None = None
        self._lifetime = 0.0
        self._ends = 0.0

    def __repr__(self) -> str:
        return f"SignIn({self._origin!r}, {self._user!r})"

    async def token(self) -> str:
        """A token that is not about to end.

        Raises `Unauthenticated` for a wrong password, `Forbidden` for somebody else's session,
        `RateLimited` after too many failed sign-ins, `NetworkError` where the server is away.
        """
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            left = self._ends - self._clock.now()
            if self._token is not None and left > renewal_margin(self._lifetime):
                return self._token
            try:
                return await self._renewed()
            except ConclaveError as error:
                # Away for a moment: what is left of the old one still serves.
                if error.retryable and self._token is not None and left > 1.0:
                    return self._token
                raise

    def invalidate(self, token: str) -> None:
        """Forgets the token if it is the current one; the next is asked for by password."""
        if token == self._token:
            self._token = None
            self._refresh = None

    def seconds_left(self, token: str) -> float | None:
        return self._ends - self._clock.now() if token == self._token else None

    async def sign_out(self) -> None:
        """Revokes the token and its family; connections that it opened are closed."""
        token, self._token, self._refresh = self._token, None, None
        if token is not None:
            await rest.call("POST", f"{self._origin}/auth/logout", token=token, body={})

    async def _renewed(self) -> str:
        if self._refresh is not None:
            asked, self._refresh = self._refresh, None
            try:
                body = {"refresh_token": asked}
                return self._keep(await rest.call("POST", f"{self._origin}/auth/refresh", body=body))
            except Unauthenticated:
                # The family ended; the password still counts.
                pass
            except ConclaveError:
                self._refresh = asked
                raise
        fields = {"username": self._user, "password": self._password}
        if self._session is not None:
            fields["session_id"] = self._session
        return self._keep(await rest.call("POST", f"{self._origin}/auth/token", body=fields))

    def _keep(self, answer: Any) -> str:
        try:
            token, seconds = str(answer["token"]), float(answer["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise ConclaveError("the answer holds no token: is this a Conclave server?") from None
        refresh = answer.get("refresh_token")
        self._token = token
        self._refresh = refresh if isinstance(refresh, str) else None
        self._lifetime = lifetime(token) or seconds
        self._ends = self._clock.now() + seconds
        return token
