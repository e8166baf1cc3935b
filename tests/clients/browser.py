"""A page in headless Chromium opens `new WebSocket(…)`.

The page is served from a loopback address of its own and reports by a request to that address.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading

import web
from world import World

REPORT_SECONDS_MAX = 60
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PAGE = """<!doctype html><meta charset="utf-8"><title>probe</title><script>
const probe = async (url, first) => new Promise((done) => {
  const seen = { opened: false, frames: [] };
  const socket = new WebSocket(url);
  socket.onopen = () => { seen.opened = true; if (first) socket.send(first); };
  socket.onmessage = (event) => { seen.frames.push(JSON.parse(event.data)); socket.close(1000); };
  socket.onclose = (event) => done({ ...seen, code: event.code, reason: event.reason });
});
const report = (body) => fetch("/report", { method: "POST", body: JSON.stringify(body) });
(async () => { SCRIPT })().then(report, (error) => report({ error: String(error) }));
</script>"""


@contextlib.contextmanager
def page_server(html: str):
    """Serves the page; yields its URL and the queue of what it reports."""
    reports: queue.Queue = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(html.encode())

        def do_POST(self):
            report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(b"")
            reports.put(report)

        def answer(self, body: bytes):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", reports
    finally:
        server.shutdown()
        server.server_close()


def run_page(world: World, script: str) -> dict:
    """What the page reports after running `script` (the body of an async function)."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, "Chromium is missing"
    with (
        page_server(PAGE.replace("SCRIPT", script)) as (url, reports),
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        open(world.home / "browser.log", "ab") as log,
    ):
        browser = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", url],
            env=world.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            report = reports.get(timeout=REPORT_SECONDS_MAX)
        except queue.Empty:
            raise AssertionError(f"the page reported nothing in {REPORT_SECONDS_MAX} s") from None
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
    assert "error" not in report, report["error"]
    return report


def case_a_page_signs_in_and_talks(world: World) -> None:
    script = """
      const answer = await fetch(HTTP + '/token', {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ username: 'user', password: 'password' }),
      });
      const token = (await answer.json()).access_token;
      return probe(`${WS}?token=${token}`, JSON.stringify({ type: 'hello' }));
    """
    seen = run_page(world, with_urls(world, script))
    assert seen["opened"] and seen["code"] == 1000, seen
    assert seen["frames"][0]["type"] == "hello" and seen["frames"][0]["user"] == "user", seen


def case_a_refused_page_sees_the_close_code(world: World) -> None:
    seen = run_page(world, with_urls(world, "return probe(WS + '?token=not.a.token');"))
    assert (seen["code"], seen["reason"]) == (1008, "Invalid or expired token"), seen
    assert seen["frames"] == [], seen


def case_a_page_without_a_token_sees_the_close_code(world: World) -> None:
    seen = run_page(world, with_urls(world, "return probe(WS, JSON.stringify({ type: 'hello' }));"))
    assert (seen["code"], seen["reason"]) == (1008, "Missing authentication token"), seen


def case_a_page_opens_with_a_ticket(world: World) -> None:
    token = web.sign_in(world.node, "testuser")["token"]
    script = f"""
      const answer = await fetch(HTTP + '/auth/ticket', {{
        method: 'POST', headers: {{ 'Authorization': 'Bearer {token}' }},
      }});
      const ticket = (await answer.json()).ticket;
      return probe(`${{WS}}?ticket=${{ticket}}`, JSON.stringify({{ type: 'hello' }}));
    """
    seen = run_page(world, with_urls(world, script))
    assert seen["frames"][0]["user"] == "testuser", seen


def with_urls(world: World, script: str) -> str:
    http_url, ws_url = json.dumps(world.node.http), json.dumps(world.node.ws)
    return f"const HTTP = {http_url}, WS = {ws_url};\n{script}"
