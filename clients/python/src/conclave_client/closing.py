"""What a close code or a refused handshake means, and whether to come back."""

from __future__ import annotations

import dataclasses
import enum

from .errors import (
    ConclaveError,
    Disconnected,
    Forbidden,
    NetworkError,
    RateLimited,
    TooManyConnections,
    Unauthenticated,
    of_status,
)


class Comeback(enum.Enum):
    """When a lost connection is dialled again."""

    NEVER = "never"
    """The same would happen again."""
    ANOTHER_TOKEN = "with another token"
    """At once, if the source has another token."""
    SOON = "soon"
    """After a jittered delay that grows with each failure."""
    SPREAD = "spread"
    """The same, and up to three seconds more: all of the server's clients come back at once."""
    LATER = "later"
    """The same, five seconds at least: the server is short of something."""


@dataclasses.dataclass(frozen=True)
class Loss:
    """Why a connection is gone, as an error for who waits on it, and what comes next."""

    error: ConclaveError
    comeback: Comeback


_TOKEN_REASONS = ("Invalid or expired token", "Invalid token payload", "Missing authentication token")
_KICKED = "Disconnected by the server"
_SUPERSEDED = "Connected elsewhere"


def after_close(code: int | None, reason: str) -> Loss:
    """What a Close says; `code` is None where the connection was cut without one.

    1008 is several things on `/ws`, told apart by the reason. Codes of the application (1000, and
    3000 to 4999 that are not the server's own) end the client: a backend asked for that.
    """
    said = f"{reason or 'closed'} (close code {code})"
    if code is None or code == 1006:
        return Loss(NetworkError("the connection was lost"), Comeback.SOON)
    if reason in (_KICKED, _SUPERSEDED):
        return Loss(Disconnected(said, code), Comeback.NEVER)
    if code == 4001 or (code == 1008 and reason in _TOKEN_REASONS):
        return Loss(Unauthenticated(said), Comeback.ANOTHER_TOKEN)
    if code == 4008 or (code == 1008 and reason == "Too many connections"):
        return Loss(TooManyConnections(said), Comeback.LATER)
    if code == 1008 and reason == "Too many messages":
        return Loss(RateLimited(said), Comeback.LATER)
    if code in (4003, 1008):
        return Loss(Forbidden(said), Comeback.NEVER)
    if code in (1001, 1012):
        return Loss(NetworkError(said), Comeback.SPREAD)
    if code in (1005, 1011, 1013, 1014):
        return Loss(NetworkError(said), Comeback.SOON)
    return Loss(Disconnected(said, code), Comeback.NEVER)


def after_status(status: int, retry_after: float | None) -> Loss:
    """What an HTTP answer in place of an upgrade says."""
    error = of_status(status, f"the handshake was answered with HTTP {status}", retry_after)
    if status == 401:
        return Loss(error, Comeback.ANOTHER_TOKEN)
    if status == 429:
        return Loss(error, Comeback.LATER)
    if status >= 500:
        return Loss(error, Comeback.SOON)
    return Loss(error, Comeback.NEVER)


def after_error(error: ConclaveError) -> Loss:
    """What a failed dial, or a token that was not to be had, says."""
    if isinstance(error, RateLimited):
        return Loss(error, Comeback.LATER)
    return Loss(error, Comeback.SOON if error.retryable else Comeback.NEVER)
