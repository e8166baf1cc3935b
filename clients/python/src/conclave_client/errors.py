"""What can go wrong, one class per error code of the server, and the client's own."""

from __future__ import annotations


class ConclaveError(Exception):
    """A refusal of the server, or a fault of the way to it.

    `code` is the same word in every dialect and in REST. `retryable` says whether the same call may
    succeed later. `retry_after` is in seconds, where the server named it.
    """

    code = "internal"
    retryable = False

    def __init__(self, message: str = "", *, code: str = "", retry_after: float | None = None):
        super().__init__(message or code or self.code)
        if code:
            self.code = code
        self.retry_after = retry_after


class Unauthenticated(ConclaveError):
    """No token, or one that is not valid (any more); a wrong password."""

    code = "unauthenticated"


class Forbidden(ConclaveError):
    """Not allowed to this user, or a room that does not exist for them."""

    code = "forbidden"


class NotFound(ConclaveError):
    """No such message, room or path."""

    code = "not_found"


class BadRequest(ConclaveError):
    """The server did not accept the form of what was sent."""

    code = "bad_request"


class UnknownCommand(ConclaveError):
    """This server does not know the command."""

    code = "unknown_command"


class Conflict(ConclaveError):
    """Something else is stored under the same client id, or the state forbids it."""

    code = "conflict"


class TooLarge(ConclaveError):
    """Over a limit of size."""

    code = "too_large"


class RateLimited(ConclaveError):
    """Too much at a time; `retry_after` says when to come again, where known."""

    code = "rate_limited"
    retryable = True


class Unavailable(ConclaveError):
    """The server lacks something for now, its store for instance."""

    code = "unavailable"
    retryable = True


class Internal(ConclaveError):
    """A fault of the server."""

    code = "internal"


class NetworkError(ConclaveError):
    """The server could not be reached, or the connection was lost before the answer."""

    code = "network"
    retryable = True


class TooManyConnections(ConclaveError):
    """The user has as many connections as the server allows."""

    code = "too_many_connections"
    retryable = True


class Disconnected(ConclaveError):
    """The server ended the connection for good; `close_code` says how."""

    code = "disconnected"

    def __init__(self, message: str, close_code: int):
        super().__init__(message)
        self.close_code = close_code


class OutboxFull(ConclaveError):
    """As much waits to be sent as the client keeps."""

    code = "outbox_full"
    retryable = True


class ClientClosed(ConclaveError):
    """The client was closed."""

    code = "closed"


_BY_CODE: dict[str, type[ConclaveError]] = {
    each.code: each
    for each in (
        Unauthenticated,
        Forbidden,
        NotFound,
        BadRequest,
        UnknownCommand,
        Conflict,
        TooLarge,
        RateLimited,
        Unavailable,
        Internal,
    )
}
_CODE_OF_STATUS = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    422: "bad_request",
    429: "rate_limited",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}


def of_code(code: str, message: str = "", retry_after: float | None = None) -> ConclaveError:
    """The error of one of the server's codes; an unknown code is a plain `ConclaveError`."""
    kind = _BY_CODE.get(code)
    if kind is None:
        return ConclaveError(message, code=code, retry_after=retry_after)
    return kind(message, retry_after=retry_after)


def of_status(status: int, message: str, retry_after: float | None = None) -> ConclaveError:
    """The error of an HTTP status whose body names no code."""
    return of_code(_CODE_OF_STATUS.get(status, "internal"), message, retry_after)
