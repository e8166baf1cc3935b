"""Signing in, refreshing, and what a refused refresh leads to."""

from __future__ import annotations

import asyncio
import unittest
from unittest.mock import patch

from conclave_client import NetworkError, SignIn, Unauthenticated
from scripted import StillClock, soon

URL = "http://server"


class SigningIn(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.clock = StillClock()
        self.calls: list[tuple[str, dict]] = []
        self.fails: dict[str, Exception] = {}
        patched = patch("conclave_client.tokens.rest.call", self.call)
        patched.start()
        self.addCleanup(patched.stop)
        self.tokens = SignIn(URL, "ann", "secret", "my-session", clock=self.clock)

    async def call(self, method: str, url: str, *, token=None, body=None):
        path = url.removeprefix(URL)
        self.calls.append((path, body))
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        if path in self.fails:
            raise self.fails.pop(path)
        number = len(self.calls)
        return {"token": f"token-{number}", "refresh_token": f"refresh-{number}", "expires_in": 100}

    async def test_many_askers_sign_in_once(self) -> None:
        made = await soon(asyncio.gather(*(self.tokens.token() for _ in range(5))))
        self.assertEqual(set(made), {"token-1"})
        fields = {"username": "ann", "password": "secret", "session_id": "my-session"}
        self.assertEqual(self.calls, [("/auth/token", fields)])

    async def test_it_refreshes_when_a_fifth_of_its_life_is_left(self) -> None:
        await self.tokens.token()
        self.clock.advance(79)
        self.assertEqual(await self.tokens.token(), "token-1")
        self.clock.advance(1)
        self.assertEqual(await self.tokens.token(), "token-2")
        self.assertEqual(self.calls[1], ("/auth/refresh", {"refresh_token": "refresh-1"}))

    async def test_a_refused_refresh_signs_in_again(self) -> None:
        await self.tokens.token()
        self.clock.advance(90)
        self.fails["/auth/refresh"] = Unauthenticated("family revoked")
        self.assertEqual(await self.tokens.token(), "token-3")
        self.assertEqual([path for path, _ in self.calls], ["/auth/token", "/auth/refresh", "/auth/token"])

    async def test_a_refused_token_is_not_given_again(self) -> None:
        first = await self.tokens.token()
        self.tokens.invalidate("another")
        self.assertEqual(await self.tokens.token(), first)
        self.tokens.invalidate(first)
        self.assertEqual(await self.tokens.token(), "token-2")

    async def test_while_the_server_is_away_the_old_token_serves_to_its_end(self) -> None:
        await self.tokens.token()
        self.clock.advance(90)
        self.fails["/auth/refresh"] = NetworkError("away")
        self.assertEqual(await self.tokens.token(), "token-1")
        self.clock.advance(10)
        self.fails["/auth/refresh"] = NetworkError("away")
        with self.assertRaises(NetworkError):
            await self.tokens.token()
        self.assertEqual(await self.tokens.token(), "token-4")
        self.assertEqual(self.calls[-1], ("/auth/refresh", {"refresh_token": "refresh-1"}))

    async def test_a_wrong_password_is_told(self) -> None:
        self.fails["/auth/token"] = Unauthenticated("Incorrect username or password")
        with self.assertRaises(Unauthenticated):
            await self.tokens.token()

    async def test_signing_out_forgets_the_token(self) -> None:
        await self.tokens.token()
        await self.tokens.sign_out()
        self.assertEqual(self.calls[-1][0], "/auth/logout")
        self.assertEqual(await self.tokens.token(), "token-3")

    async def test_the_password_is_not_shown(self) -> None:
        await self.tokens.token()
        self.assertNotIn("secret", repr(self.tokens) + str(self.tokens))


if __name__ == "__main__":
    unittest.main()
