"""Calls over HTTP, each in a thread, since the standard library has no asyncio client."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import IO, Any

from .errors import BadRequest, ConclaveError, NetworkError, of_code, of_status

TIMEOUT_SECONDS = 20.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to wherever it points."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def origin(url: str) -> str:
    """`http(s)://host:port` of a server's URL; `ws:` and `wss:` mean the same server.

    Raises `BadRequest` where the URL is none, or holds a password.
    """
    parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"no URL of a server: {url.split('?')[0]!r}")
    if parts.username is not None or parts.password is not None:
        raise BadRequest("the URL of the server must not hold a password")
    return f"{scheme}://{parts.netloc}"


def websocket_origin(url: str) -> str:
    """`ws(s)://host:port` of a server's URL."""
    return "ws" + origin(url).removeprefix("http")


def path(*parts: str, **query: Any) -> str:
    """`/a/b?x=1` with each part encoded; what is None is left out of the query."""
    fields = {name: value for name, value in query.items() if value is not None}
    text = "/" + "/".join(urllib.parse.quote(part, safe="") for part in parts)
    return text + ("?" + urllib.parse.urlencode(fields) if fields else "")


async def call(
    method: str,
    url: str,
    *,
    token: str | None = None,
    body: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
) -> Any:
    """One exchange; the answer's JSON, or None where it has no body.

    Raises the `ConclaveError` of a refusal, or `NetworkError`.
    """
    headers = {"Accept": "application/json"}
    encoded = None
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
        encoded = json.dumps(body).encode()
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        encoded = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data=encoded, headers=headers, method=method)
    return await asyncio.to_thread(_exchange, request)


def _exchange(request: urllib.request.Request) -> Any:
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return _parsed(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise _refusal(refusal) from None
    except (urllib.error.URLError, HTTPException, OSError) as fault:
        reason = getattr(fault, "reason", fault)
        raise NetworkError(f"{origin(request.full_url)} cannot be reached: {reason}") from None


def _parsed(answer: HTTPResponse) -> Any:
    raw = answer.read(ANSWER_BYTES_MAX + 1)
    if len(raw) > ANSWER_BYTES_MAX:
        raise NetworkError(f"the answer is over {ANSWER_BYTES_MAX} bytes")
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        raise ConclaveError("the answer is no JSON: is this a Conclave server?") from None


def _refusal(refusal: urllib.error.HTTPError) -> ConclaveError:
    after = _seconds(refusal.headers.get("Retry-After"))
    try:
        problem = json.loads(refusal.read(64 * 1024))
        return of_code(str(problem["code"]), str(problem.get("detail", "")), after)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, HTTPException):
        return of_status(refusal.code, f"HTTP {refusal.code}", after)


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdigit() else None
