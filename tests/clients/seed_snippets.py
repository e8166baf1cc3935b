"""The lines that the five documents print for shells, websocat and Python, typed as they stand.

Only hosts, ports and placeholders for tokens are put in. What needed more than that is marked
"adapted"; docs/seeds.md lists every snippet with its reason and its test.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import browser
import rooms
import web
import wire
from world import SECRET, World

PATIENCE_SECONDS = 60

# 000, "JWT Token Requirements": the payload; its times are of 2021.
PAYLOAD_000 = """{
  "sub": "user123",
  "iss": "chat-service",
  "aud": "chat-clients",
  "exp": 1640995200,
  "iat": 1640991600,
  "roles": ["user"],
  "permissions": ["chat:send", "profile:update"],
  "scopes": []
}"""

# 001, "Message Protocol".
MESSAGE_001 = """{
  "publisher_name": "Client1",
  "topic": "NetworkConnectedEvent",
  "payload": "Network connected",
  "timestamp": "2024-01-24T10:25:37Z",
  "session_id": "session-user123"
}"""

# 001, "Example: Using JWT with curl".
CURL_001 = """# Get a JWT token
curl -X POST http://localhost:8081/auth/token \\
  -H "Content-Type: application/json" \\
  -d '{"username":"testuser","password":"password","session_id":"my-session"}'
"""

# 002, "Python Client Example".
PYTHON_002 = '''import asyncio
import websockets
import json
import pathlib

class PRSMWebSocketClient:
    def __init__(self, user_id: str, token: str):
        self.user_id = user_id
        self.token = token
        self.websocket = None
    
    async def connect(self):
        uri = f"ws://localhost:8000/ws/{self.user_id}?token={self.token}"
        
        try:
            self.websocket = await websockets.connect(uri)
            print("Secure WebSocket connected")
            
            # Listen for messages
            async for message in self.websocket:
                data = json.loads(message)
                await self.handle_message(data)
                
        except websockets.exceptions.ConnectionClosedError as e:
            if e.code == 4001:
                print("Authentication failed")
            elif e.code == 4003:
                print("Access denied")
    
    async def send_message(self, message: dict):
        if self.websocket:
            await self.websocket.send(json.dumps(message))
    
    async def handle_message(self, message: dict):
        msg_type = message.get('type')
        
        if msg_type == 'connected':
            print(f"Connection confirmed: {message}")
        elif msg_type == 'error':
            print(f"Server error: {message.get('message')}")
        # Handle other message types...

# Usage
async def main():
    client = PRSMWebSocketClient('user123', 'your_jwt_token')
    await client.connect()

asyncio.run(main())
'''

# 002, "Connection Statistics Endpoint": its example response.
STATS_002 = """{
    "success": true,
    "stats": {
        "websocket_manager": {
            "active_connections": 45,
            "unique_users": 23,
            "connection_types": {
                "general": 20,
                "conversation": 15,
                "web3": 10
            }
        },
        "authentication": {
            "active_connections": 45,
            "unique_users": 23,
            "max_connections_per_user": 10,
            "connection_types": {
                "general": 20,
                "conversation": 15, 
                "web3": 10
            }
        },
        "security": {
            "authenticated_connections": 45,
            "unique_authenticated_users": 23,
            "max_connections_per_user": 10
        }
    },
    "timestamp": 1649123456.789
}"""

# 003, "Obtaining a Token".
CURL_003 = """curl -X POST "http://localhost:8000/token" \\
  -H "Content-Type: application/x-www-form-urlencoded" \\
  -d "username=user&password=password"
"""

# 003, "Using the Test Token"; the token is the printed one.
TEST_TOKEN_003 = """# Get the test token
curl "http://localhost:8000/test-token"
"""
PRINTED_TOKEN_003 = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c2VyIn0."
    "dNsYhOKsYlKZzUmOJl8Zpf9SbJ4DJxhd3AU6pO-PWko"
)
USE_TEST_TOKEN_003 = f"""# Use the test token directly
echo '{{"type":"test","payload":{{"message":"Hello"}}}}' | websocat "ws://localhost:8000/ws?token={PRINTED_TOKEN_003}"
"""

# 003, "Connecting with a Token using websocat".
WEBSOCAT_003 = """# Store the token in a variable
TOKEN=$(curl -s -X POST "http://localhost:8000/token" \\
  -H "Content-Type: application/x-www-form-urlencoded" \\
  -d "username=user&password=password" | jq -r '.access_token')

# Connect with the token
echo '{"type":"test","payload":{"message":"Hello"}}' | websocat "ws://localhost:8000/ws?token=$TOKEN"
"""


def here(text: str, world: World) -> str:
    return re.sub(r"\blocalhost:(8000|8081)\b", f"localhost:{world.node.port}", text)


def typed(world: World, text: str) -> str:
    """What the lines print in bash."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", here(text, world)],
        env=world.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def greeted(printed: str, user: str) -> None:
    received = json.loads(printed)
    assert received["type"] == "test" and received["payload"] == {"message": "Hello"}, received
    assert received["user"] == user and {"timestamp", "requestId"} <= received.keys(), received


def case_000_a_token_with_the_printed_payload_opens_by_header_and_by_query(world: World) -> None:
    now = int(time.time())
    token = web.signed(SECRET, json.loads(PAYLOAD_000) | {"iat": now, "exp": now + 3600})
    for query, headers in ((token, {}), (None, web.bearer(token))):
        with wire.dial(world.node, query, additional_headers=headers) as connection:
            wire.settle(connection)
    me = web.call("GET", f"{world.node.http}/auth/me", headers=web.bearer(token)).json()
    assert me["user_id"] == "user123", me
    assert {"chat:send", "profile:update"} <= set(me["permissions"]), me


def case_001_the_printed_message_reaches_who_subscribed_in_its_session(world: World) -> None:
    message = json.loads(MESSAGE_001)
    token = rooms.token("testuser", sid=message["session_id"])
    with wire.dial(world.node, token) as connection:
        connection.send(f"subscribe:{message['topic']}")
        connection.send(f"publish-json:{MESSAGE_001}")
        assert wire.frame(connection) == message | {"user": "testuser"}


def case_001_the_curl_line_prints_a_token_with_the_documented_claims(world: World) -> None:
    printed = json.loads(typed(world, CURL_001))
    assert printed["expires_in"] == 3600, printed
    claims = web.claims(printed["token"])
    assert (claims["sub"], claims["sid"]) == ("testuser", "my-session"), claims
    assert claims["exp"] - claims["iat"] == 3600, claims


def case_001_the_documented_variables_set_key_and_life(world: World) -> None:
    # The printed default key is published, so it works in dev mode only.
    key = "rusty_websocket_jwt_secret_key_32b"
    node = world.start({"JWT_SECRET_KEY": key, "JWT_EXPIRATION_SECONDS": "7200"})
    made = web.sign_in(node, "testuser")
    assert made["expires_in"] == 7200, made
    now = int(time.time())
    by_hand = web.signed(key, {"sub": "username", "sid": "session-123", "iat": now, "exp": now + 60})
    with wire.dial(node, by_hand) as connection:
        wire.settle(connection)


class Program:
    """The Python program of 002, its lines as they are printed."""

    def __init__(self, world: World, token: str, user: str = "user123"):
        text = here(PYTHON_002, world).replace("your_jwt_token", token)
        text = text.replace("('user123'", f"('{user}'")
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", text],
            env=world.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    def read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def line(self) -> str:
        with contextlib.suppress(queue.Empty):
            return self.lines.get(timeout=PATIENCE_SECONDS)
        raise AssertionError(f"printed nothing more: {self.process.stderr.read()}")


def case_002_the_python_client_is_confirmed(world: World) -> None:
    token = web.sign_in(world.node, "user123")["token"]
    with Program(world, token) as program:
        assert program.line() == "Secure WebSocket connected"
        confirmed = program.line()
        assert confirmed.startswith("Connection confirmed: {'type': 'connected'"), confirmed
        assert "'user_id': 'user123'" in confirmed, confirmed


def case_002_the_python_client_sees_4001_and_4003(world: World) -> None:
    token = web.sign_in(world.node, "user123")["token"]
    for given, user, wanted in (
        ("not.a.token", "user123", "Authentication failed"),
        (token, "admin", "Access denied"),
    ):
        with Program(world, given, user) as program:
            assert program.line() == "Secure WebSocket connected"
            assert program.line() == wanted
            assert program.process.wait(timeout=PATIENCE_SECONDS) == 0


def feed(world: World, token: str | None, user: str = "user123", **options):
    query = f"?token={token}" if token else ""
    return connect(f"{world.node.ws}/{user}{query}", open_timeout=wire.ANSWER_SECONDS_MAX, **options)


def case_002_the_documented_close_codes(world: World) -> None:
    token = rooms.token("user123")
    for given, user, code in ((None, "user123", 4001), ("bad", "user123", 4001), (token, "admin", 4003)):
        with feed(world, given, user) as refused:
            assert wire.closing(refused)[0] == code, (given, user)
    with contextlib.ExitStack() as opened:
        for _ in range(10):
            assert wire.frame(opened.enter_context(feed(world, token)))["type"] == "connected"
        with feed(world, token) as refused:
            assert wire.closing(refused)[0] == 4008


def case_002_the_cookie_counts_where_the_origin_is_allowed(world: World) -> None:
    url = f"{world.node.http}/token?cookie=true"
    answer = web.post_form(url, username="user123", password="password")
    token = answer.json()["access_token"]
    assert "HttpOnly" in answer.headers["set-cookie"], answer.headers
    cookie = {"Cookie": f"access_token={token}"}
    with feed(world, None, additional_headers=cookie, origin=world.node.http) as own:
        assert wire.frame(own)["user_id"] == "user123"
    with feed(world, None, additional_headers=cookie) as foreign:
        assert wire.closing(foreign)[0] == 4001


def case_002_the_header_opens_a_feed(world: World) -> None:
    with feed(world, None, additional_headers=web.bearer(rooms.token("user123"))) as own:
        assert wire.frame(own)["user_id"] == "user123"


def case_002_a_conversation_is_subscribed_and_read(world: World) -> None:
    with feed(world, rooms.token("user123")) as own:
        assert wire.frame(own)["type"] == "connected"
        rooms.say(own, "subscribe_conversation", conversation_id="general")
        assert rooms.heard(own, "subscribed")["conversation_id"] == "general"
    with rooms.conversation(world.node, "user123", "general", rooms.token("user123")) as talk:
        rooms.say(talk, "typing_start")
        assert rooms.heard(talk, "typing_indicator")["typing"] is True
        rooms.say(talk, "send_message", content="Hello")
        assert rooms.heard(talk, "user_message")["content"] == "Hello"
        rooms.say(talk, "no_such_type")
        assert rooms.heard(talk, "error")["message"] == "Unknown message type: no_such_type"


def shape(value):
    """The keys and the kinds of values, `connection_types` by its keys only."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)


def case_002_statistics_have_the_printed_shape(world: World) -> None:
    url = f"{world.node.http}/ws/stats"
    monitor = rooms.token("watcher", roles=["moderator"])
    with feed(world, rooms.token("user123")) as own:
        assert wire.frame(own)["type"] == "connected"
        stats = web.call("GET", url, headers=web.bearer(monitor)).json()
    wanted = json.loads(STATS_002)
    for part in ("websocket_manager", "authentication"):
        kinds = stats["stats"][part].pop("connection_types")
        wanted["stats"][part].pop("connection_types")
        assert kinds["general"] >= 1, kinds
    assert shape(stats) == shape(wanted), stats
    assert web.call("GET", url, headers=web.bearer(rooms.token("user123"))).status == 403
    assert web.call("GET", url).status == 401


def case_003_the_curl_line_prints_a_token(world: World) -> None:
    printed = json.loads(typed(world, CURL_003))
    assert (printed["token_type"], printed["expires_in"]) == ("bearer", 1800), printed
    assert web.claims(printed["access_token"])["sub"] == "user"


def case_003_the_test_token_line_prints_token_and_note(world: World) -> None:
    printed = json.loads(typed(world, TEST_TOKEN_003))
    assert set(printed) == {"test_token", "note"} and "'user'" in printed["note"], printed


def case_003_the_printed_test_token_is_refused_and_the_servers_own_works(world: World) -> None:
    assert typed(world, USE_TEST_TOKEN_003) == "", "nobody knows the key of the printed token"
    assert wire.refusal(world.node, PRINTED_TOKEN_003) == (1008, "Invalid or expired token")
    # Adapted: the token that this server gives.
    given = json.loads(typed(world, TEST_TOKEN_003))["test_token"]
    greeted(typed(world, USE_TEST_TOKEN_003.replace(PRINTED_TOKEN_003, given)), "user")


def case_003_the_websocat_lines_print_the_enriched_object(world: World) -> None:
    greeted(typed(world, WEBSOCAT_003), "user")


def case_003_a_refused_connection_has_code_1008_and_the_documented_reason(world: World) -> None:
    assert wire.refusal(world.node, "not.a.token") == (1008, "Invalid or expired token")
    nameless = web.signed(SECRET, {"exp": int(time.time()) + 60})
    assert wire.refusal(world.node, nameless) == (1008, "Invalid token payload")
    with wire.dial(world.node) as connection:
        connection.send('{"type":"test"}')
        with contextlib.suppress(ConnectionClosed):
            assert wire.closing(connection) == (1008, "Missing authentication token")


def case_003_the_documented_variable_sets_the_life(world: World) -> None:
    node = world.start({"ACCESS_TOKEN_EXPIRE_MINUTES": "5"})
    answer = web.post_form(f"{node.http}/token", username="user", password="password")
    assert answer.json()["expires_in"] == 300, answer


def case_004_and_000_the_snippets_for_pages_do_what_they_say(world: World) -> None:
    tokens = {name: rooms.token(name) for name in ("alice", "bob")}
    channel = rooms.create(world.node, tokens["alice"], ["bob"])
    folder = pathlib.Path(sys.executable).parents[2] / "rooms-js"
    script = pathlib.Path(__file__).parent / "rooms-js/seed_004.mjs"
    done = subprocess.run(
        ["node", str(script), str(folder), world.node.http, channel, *tokens.values()],
        env=world.environment(), capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    id = seen["created"]["id"]
    assert (seen["created"]["content"], seen["created"]["userId"]) == ("Hello", "alice"), seen
    assert seen["updated"]["content"] == "Hello!" and seen["deleted"] == id, seen
    for name in ("delivered", "seen"):
        assert (seen[name]["messageId"], seen[name]["recipientId"]) == (id, "bob"), seen
    (status,) = seen["status"]["data"]
    assert (status["recipientId"], status["status"]) == ("bob", "READ"), seen
    assert (seen["typing"]["isTyping"], seen["stopped"]["isTyping"]) == (True, False), seen
    assert seen["typists"]["data"] == ["bob"], seen
    assert "data" in seen["offline"], seen
    for name in ("bearer", "headers"):
        assert "authentication" in seen[name]["message"], seen[name]
        assert seen[name]["data"] == {"code": 4001}, seen[name]
    assert seen["ping"] == "pong", seen
    assert seen["steps"] == ["connect", "auth failure", "Server forced disconnect"], seen


def case_000_and_002_headers_in_a_browser_come_to_nothing(world: World) -> None:
    # Why docs/seeds.md calls these two snippets impossible in pages.
    token = json.dumps(web.sign_in(world.node, "user123")["token"])
    script = f"""
      const jwtToken = {token};
      let thrown = '';
      try {{
        new WebSocket(WS, {{ headers: {{ 'Authorization': 'Bearer ' + jwtToken }} }});
      }} catch (error) {{ thrown = error.name; }}
      const ws = new WebSocket(WS + '/user123', [], {{
          headers: {{
              'Authorization': 'Bearer ' + jwtToken
          }}
      }});
      return new Promise((done) => {{ ws.onclose = ({{ code }}) => done({{ thrown, code }}); }});
    """
    seen = browser.run_page(world, browser.with_urls(world, script))
    assert seen == {"thrown": "SyntaxError", "code": 4001}, seen
