"""HTTP calls and tokens as a client sees them."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request

from node import Node


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


def call(method: str, url: str, *, body: bytes | None = None, headers: dict | None = None) -> Answer:
    """One HTTP exchange; a refusal is an answer like any other."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return Answer(answer.status, lowercase(answer.headers), answer.read())
    except urllib.error.HTTPError as refusal:
        return Answer(refusal.code, lowercase(refusal.headers), refusal.read())


def lowercase(headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def post_form(url: str, **fields: str) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return call("POST", url, body=urllib.parse.urlencode(fields).encode(), headers=headers)


def post_json(url: str, body: dict, token: str | None = None) -> Answer:
    headers = {"Content-Type": "application/json"} | bearer(token)
    return call("POST", url, body=json.dumps(body).encode(), headers=headers)


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def sign_in(node: Node, user: str = "user", session: str | None = None) -> dict:
    """The answer of `/auth/token`: `token`, `expires_in`, `refresh_token`."""
    body = {"username": user, "password": "password"}
    if session is not None:
        body["session_id"] = session
    answer = post_json(f"{node.http}/auth/token", body)
    assert answer.status == 200, f"sign-in of {user}: {answer.status} {answer.body!r}"
    return answer.json()


def claims(token: str) -> dict:
    """The payload of a token, unverified."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(secret: str, payload: dict, algorithm: str = "HS256") -> str:
    """A token made by hand: HS256, or `none` without a signature."""
    head = {"alg": algorithm, "typ": "JWT"}
    text = b".".join(encoded(json.dumps(part).encode()) for part in (head, payload))
    mac = hmac.new(secret.encode(), text, hashlib.sha256).digest() if algorithm == "HS256" else b""
    return (text + b"." + encoded(mac)).decode()


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
