"""Session tokens made by Clerk's backend library, against a key set served on loopback."""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import web
import wire
from node import Node
from world import World

HERE = pathlib.Path(__file__).parent / "clerk-tokens"
APP = "https://app.example.com"
INVALID = (1008, "Invalid or expired token")


@contextlib.contextmanager
def key_set():
    """Serves what is put into the yielded list; yields the URL too."""
    document: list[dict] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(document[0] if document else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", document
    finally:
        server.shutdown()
        server.server_close()


def made_by_clerk(claims: dict[str, dict]) -> dict:
    """Key set, tokens and the library's own verdicts; `.ci/install clerk` puts it in place."""
    node = shutil.which("node")
    assert node, "Node is missing"
    folder = pathlib.Path(sys.executable).parents[2] / "clerk"
    asked = json.dumps({"kid": "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD", "azp": APP, "claims": claims})
    made = subprocess.run(
        [node, str(HERE / "tokens.mjs"), str(folder)],
        input=asked,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def issuer(iss: str) -> dict[str, str]:
    """The settings of a Clerk instance whose Frontend API is at that address."""
    return {
        "CONCLAVE_AUTH__ISSUERS__0__NAME": "clerk",
        "CONCLAVE_AUTH__ISSUERS__0__PRESET": "clerk",
        "CONCLAVE_AUTH__ISSUERS__0__ISS": iss,
        "CONCLAVE_AUTH__ISSUERS__0__AZP": APP,
        "CONCLAVE_AUTH__ISSUERS__0__USER_PREFIX": "clerk:",
    }


def version_1(iss: str, **claims) -> dict:
    now = int(time.time())
    return {
        "azp": APP,
        "exp": now + 60,
        "iss": iss,
        "nbf": now - 10,
        "sid": "sess_2GbDB4enNdCa5vS1zpC3Xzg9tK9",
        "sub": "user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr",
        "fva": [0, -1],
        "org_id": "org_1",
        "org_role": "org:admin",
        "org_slug": "acme",
        "org_permissions": ["org:teams:read"],
    } | claims


def version_2(iss: str, **claims) -> dict:
    organisation = {"id": "org_1", "slg": "acme", "rol": "admin", "per": "read", "fpm": "1"}
    base = {name: value for name, value in version_1(iss).items() if not name.startswith("org_")}
    return base | {"v": 2, "jti": "1f2e3d4c5b6a79881234", "sts": "active", "o": organisation} | claims


def hears_itself(node: Node, token: str) -> str:
    """Who the server says sends."""
    with wire.dial(node, token) as connection:
        connection.send('{"type":"test"}')
        return wire.frame(connection)["user"]


def case_tokens_of_clerk_are_judged_as_clerk_does(world: World) -> None:
    with key_set() as (iss, document):
        late = int(time.time()) - 60
        without_party = version_2(iss)
        del without_party["azp"]
        made = made_by_clerk(
            {
                "v1": version_1(iss),
                "v2": version_2(iss),
                "v2 in no organisation": version_2(iss, o=None),
                "expired": version_2(iss, exp=late),
                "too early": version_2(iss, nbf=int(time.time()) + 120),
                "of another page": version_2(iss, azp="https://evil.example.com"),
                "of a native app": without_party,
                "pending": version_2(iss, sts="pending"),
            }
        )
        document.append(made["jwks"])
        node = world.start(issuer(iss))
        # Clerk's library leaves pending sign-ins to its callers; here they are refused.
        stricter = {"pending"}
        for name, one in made["tokens"].items():
            if one["accepted"] and name not in stricter:
                user = hears_itself(node, one["token"])
                assert user == "clerk:user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr", (name, user)
            else:
                assert wire.refusal(node, one["token"]) == INVALID, name
        accepted = {name for name, one in made["tokens"].items() if one["accepted"]}
        assert accepted == {"v1", "v2", "v2 in no organisation"} | stricter, accepted


def case_a_token_of_another_instance_is_refused(world: World) -> None:
    with key_set() as (iss, document):
        ours, theirs = (made_by_clerk({"v2": version_2(iss)}) for _ in range(2))
        document.append(ours["jwks"])
        node = world.start(issuer(iss))
        assert wire.refusal(node, theirs["tokens"]["v2"]["token"]) == INVALID
        token = ours["tokens"]["v2"]["token"]
        me = web.call("GET", f"{node.http}/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert me.status == 200, me.body
        assert me.json()["roles"] == ["user"], me.json()
        assert me.json()["session"] == "session-clerk:user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr", me.json()
