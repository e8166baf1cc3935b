"""The connection: its token, its renewal, close codes, delays, pace."""

from __future__ import annotations

import asyncio
import unittest

from conclave_client import (
    BadRequest,
    Client,
    ConclaveError,
    Disconnected,
    Forbidden,
    NetworkError,
    NotFound,
    TooManyConnections,
    Unauthenticated,
)
from conclave_client.closing import Comeback, after_close
from conclave_client.pacing import Backoff, Pace
from conclave_client.tokens import renewal_margin
from scripted import Case, StillClock, jwt, soon


class Source:
    """Tokens that a test hands out."""

    def __init__(self, clock: StillClock, *tokens: str, left: float | None = None):
        self.clock, self.tokens, self.refused = clock, list(tokens), []
        self.ends = None if left is None else clock.now() + left

    async def token(self) -> str:
        return self.tokens[0]

    def invalidate(self, token: str) -> None:
        self.refused.append(token)
        if len(self.tokens) > 1 and self.tokens[0] == token:
            self.tokens.pop(0)

    def seconds_left(self, token: str) -> float | None:
        return None if self.ends is None else self.ends - self.clock.now()


class Connecting(Case):
    async def test_the_token_is_in_the_header_and_never_in_the_url(self) -> None:
        peer = await self.online(self.client(tokens="secret.token"))
        self.assertEqual(peer.headers["Authorization"], "Bearer secret.token")
        self.assertEqual(peer.path, "/ws/ann")
        self.assertEqual(self.server.calls, ["/auth/me"])

    async def test_a_user_id_is_encoded_in_the_path(self) -> None:
        self.server.answers["/auth/me"] = {"user_id": "clerk:ann/b?c"}
        peer = await self.online(self.client())
        self.assertEqual(peer.path, "/ws/clerk%3Aann%2Fb%3Fc")

    async def test_connect_tells_why_the_first_try_failed_and_goes_on_trying(self) -> None:
        client = self.client()
        self.server.refuse_with = 503
        with self.assertRaisesRegex(Exception, "HTTP 503"):
            await soon(client.connect())
        self.server.refuse_with = None
        await self.again()

    async def test_no_redirect_is_followed(self) -> None:
        client = self.client()
        self.server.refuse_with = 307
        with self.assertRaisesRegex(ConclaveError, "HTTP 307"):
            await soon(client.connect())
        self.assertEqual(client.status, "ended")

    async def test_no_server_is_a_network_error(self) -> None:
        client = self.client()
        await self.server.stop()
        with self.assertRaises(NetworkError):
            await soon(client.connect())
        self.assertEqual(client.status, "waiting")

    async def test_a_path_that_is_not_there_ends_it(self) -> None:
        client = self.client()
        self.server.refuse_with = 404
        with self.assertRaises(NotFound):
            await soon(client.connect())

    async def test_delays_grow_and_start_anew_after_a_success(self) -> None:
        client = self.client()
        peer = await self.online(client)
        peer.cut()
        self.server.refuse_with = 502
        for seconds in (0.5, 1.0, 2.0):
            self.assertEqual(await self.clock.paused(), seconds)
            self.clock.advance(seconds)
        self.assertEqual(await self.clock.paused(), 4.0)
        self.server.refuse_with = None
        peer = await self.again()
        await peer.quiet()
        peer.cut()
        # It did not last, so it starts nothing anew.
        self.assertEqual(await self.clock.paused(), 8.0)
        peer = await self.again()
        await peer.quiet()
        self.clock.advance(5.0)
        peer.cut()
        self.assertEqual(await self.clock.paused(), 0.5)

    async def test_a_server_that_goes_away_gets_its_clients_back_spread(self) -> None:
        client = self.client()
        peer = await self.online(client)
        await soon(client.connect())
        await peer.close(1001, "Server is going away")
        self.assertEqual(await self.clock.paused(), 3.5)

    async def test_a_source_of_tokens_that_fails_is_asked_again(self) -> None:
        faults = [ValueError("not now")]

        async def tokens() -> str:
            if faults:
                raise faults.pop()
            return "a.token"

        client = self.client(tokens=tokens)
        with self.assertRaisesRegex(NetworkError, "not now"):
            await soon(client.connect())
        await self.again()

    async def test_a_status_listener_that_fails_harms_nobody(self) -> None:
        def told(*_) -> None:
            raise ValueError("not mine")

        with self.assertLogs("conclave_client", level="ERROR"):
            client = self.client(on_status=told)
            await self.online(client)
            await soon(client.connect())
            await client.close()

    async def test_a_fault_of_the_client_leaves_nobody_waiting(self) -> None:
        client = self.client()
        answer = client.room("r").send("one")
        client.feed.opened = None  # type: ignore[assignment]
        with self.assertLogs("conclave_client", level="ERROR"):
            await (await self.server.peer()).greet()
            with self.assertRaisesRegex(ConclaveError, "fault of the client"):
                await soon(answer)

    async def test_retry_now_does_not_wait(self) -> None:
        client = self.client()
        peer = await self.online(client)
        peer.cut()
        await self.clock.paused()
        client.retry_now()
        await (await self.server.peer()).greet()

    async def test_a_url_with_a_password_is_refused(self) -> None:
        for url in ("http://ann:secret@host", "ftp://host", "http://"):
            with self.assertRaises(BadRequest):
                Client(url, tokens="a.token")


class Closing(Case):
    async def ended(self, code: int, reason: str, kind: type[Exception]) -> None:
        client = self.client()
        events = client.room("r").listen()
        answer = client.room("r").send("one")
        peer = await self.online(client)
        await peer.expect("subscribe_conversation")
        await peer.close(code, reason)
        with self.assertRaises(kind):
            await soon(events.__anext__())
        with self.assertRaises(kind):
            await soon(answer)
        with self.assertRaises(kind):
            client.room("r").send("two")
        self.assertEqual(client.status, "ended")

    async def test_4003_ends_the_client(self) -> None:
        await self.ended(4003, "Access denied", Forbidden)

    async def test_a_kick_ends_the_client(self) -> None:
        await self.ended(4001, "Disconnected by the server", Disconnected)

    async def test_an_application_code_ends_the_client(self) -> None:
        await self.ended(3900, "closed for maintenance", Disconnected)

    async def test_a_refused_token_without_another_ends_the_client(self) -> None:
        client = self.client(tokens="only.token")
        client.feed.link.start()
        peer = await self.server.peer()
        await peer.close(4001, "Invalid or expired token")
        await self.clock.skip()
        with self.assertRaises(Unauthenticated):
            await soon(client.connect())

    async def test_a_refused_token_is_replaced_once(self) -> None:
        source = Source(self.clock, "first", "second", "third")
        client = self.client(tokens=source)
        client.feed.link.start()
        peer = await self.server.peer()
        self.assertEqual(peer.headers["Authorization"], "Bearer first")
        await peer.close(4001, "Invalid or expired token")
        await self.clock.skip()
        peer = await self.server.peer()
        self.assertEqual(peer.headers["Authorization"], "Bearer second")
        await peer.close(4001, "Invalid or expired token")
        with self.assertRaises(Unauthenticated):
            await soon(client.connect())
        self.assertEqual(source.refused, ["first"])

    async def test_a_token_that_expires_while_connected_is_replaced(self) -> None:
        source = Source(self.clock, "first", "second")
        client = self.client(tokens=source)
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 4)
        await peer.close(4001, "Invalid or expired token")
        peer = await self.again()
        self.assertEqual(peer.headers["Authorization"], "Bearer second")
        await peer.subscribed("r", 5, since=4)
        await peer.message(5)
        self.assertEqual((await soon(events.__anext__())).seq, 5)

    async def test_too_many_connections_is_told_at_first_and_waits_longer(self) -> None:
        client = self.client()
        client.feed.link.start()
        peer = await self.server.peer()
        await peer.close(4008, "Too many connections")
        with self.assertRaises(TooManyConnections):
            await soon(client.connect())
        self.assertEqual(await self.clock.paused(), 5.5)
        await self.again()

    def test_what_close_codes_mean(self) -> None:
        for code, reason, comeback in (
            (None, "", Comeback.SOON),
            (1001, "Server is going away", Comeback.SPREAD),
            (1001, "Connected elsewhere", Comeback.NEVER),
            (1002, "Malformed message", Comeback.NEVER),
            (1003, "Binary frames are not supported", Comeback.NEVER),
            (1008, "Invalid or expired token", Comeback.ANOTHER_TOKEN),
            (1008, "Missing authentication token", Comeback.ANOTHER_TOKEN),
            (1008, "Not allowed here", Comeback.NEVER),
            (1008, "Too many connections", Comeback.LATER),
            (1008, "Too many messages", Comeback.LATER),
            (1009, "Too big", Comeback.NEVER),
            (1011, "", Comeback.SOON),
            (1013, "Slow reader", Comeback.SOON),
            (4001, "Invalid or expired token", Comeback.ANOTHER_TOKEN),
            (4003, "Access denied", Comeback.NEVER),
            (4008, "Too many connections", Comeback.LATER),
        ):
            with self.subTest(code=code, reason=reason):
                self.assertIs(after_close(code, reason).comeback, comeback)


class Renewing(Case):
    async def test_the_token_is_renewed_in_band_before_it_ends(self) -> None:
        now = self.clock.now()
        first, second = jwt(now, now + 100, 1), jwt(now + 80, now + 180, 2)
        given = [first]

        async def tokens() -> str:
            return given[0]

        client = self.client(tokens=tokens)
        peer = await self.online(client)
        await self.clock.until(80.1)
        await peer.quiet()
        given[0] = second
        self.clock.advance(80.1)
        await peer.expect("auth", token=second)
        await peer.say("auth_success")
        # The next one's turn comes a fifth of its life before its end.
        await self.clock.until(80.0)

    async def test_a_source_without_a_new_token_is_asked_again(self) -> None:
        now = self.clock.now()
        given = [jwt(now, now + 100, 1)]

        async def tokens() -> str:
            return given[0]

        peer = await self.online(self.client(tokens=tokens))
        await self.clock.until(80.1)
        self.clock.advance(80.1)
        await self.clock.until(5.0)
        await peer.quiet()
        given[0] = jwt(now + 85, now + 185, 2)
        self.clock.advance(5.0)
        await peer.expect("auth", token=given[0])

    async def test_a_refused_renewal_asks_for_another_token(self) -> None:
        source = Source(self.clock, "first", "bad", "good", left=100)
        client = self.client(tokens=source)
        peer = await self.online(client)
        await self.clock.until(80.1)
        source.tokens.pop(0)
        self.clock.advance(80.1)
        await peer.expect("auth", token="bad")
        with self.assertLogs("conclave_client", level="WARNING") as logs:
            await peer.say("error", code="unauthenticated", message="the new token is not valid",
                           in_reply_to="auth", timestamp=1.5)
            await self.clock.paused()
        self.assertNotIn("bad", "".join(logs.output))
        self.assertEqual(source.refused, ["bad"])
        await self.clock.skip()
        await peer.expect("auth", token="good")

    def test_the_margin_is_a_fifth_of_the_life_and_at_most_a_minute(self) -> None:
        self.assertEqual([renewal_margin(each) for each in (5, 100, 3600)], [1.0, 20.0, 60.0])


class Pacing(unittest.IsolatedAsyncioTestCase):
    async def test_turns_beyond_the_burst_wait_for_theirs(self) -> None:
        clock = StillClock()
        pace = Pace(clock, per_second=10, burst=3)
        for _ in range(3):
            await soon(pace.turn())
        self.assertEqual(clock.asked, [])
        late = [asyncio.create_task(pace.turn()) for _ in range(2)]
        await clock.until(0.2)
        self.assertEqual([round(each, 6) for each in clock.asked], [0.1, 0.2])
        clock.advance(0.2)
        await soon(asyncio.gather(*late))
        clock.advance(10)
        for _ in range(3):
            await soon(pace.turn())

    def test_delays_are_drawn_from_the_upper_half_of_a_growing_bound(self) -> None:
        least, most = Backoff(lambda: 0.0), Backoff(lambda: 0.999999)
        bounds = [(least.next(), round(most.next(), 3)) for _ in range(8)]
        self.assertEqual(bounds[:3], [(0.25, 0.5), (0.5, 1.0), (1.0, 2.0)])
        self.assertEqual(bounds[-1], (10.0, 20.0))
        for _ in range(5000):
            least.next()
        self.assertEqual(least.next(), 10.0)


if __name__ == "__main__":
    unittest.main()
