"""Asks a real small language model in a room of a real server, and compares what everybody saw.

    python3 tests/model/run.py --conclave target/debug/conclave --model .tools/model

`shim.mjs` gives the model the HTTP API that Conclave asks. Prints a line per check; exit code 1 if
one failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

import rooms  # noqa: E402
import wire  # noqa: E402
from node import Node  # noqa: E402
from world import SECRET, World  # noqa: E402

# A busy machine is slow to answer, and to let go of the model.
END_SECONDS_MAX = 120
ANSWER_SECONDS_MAX = 240
ANSWER_TOKENS = 64
CONTEXT_TOKENS = 512


class Shim:
    """The model's process."""

    def __init__(self, process: subprocess.Popen, url: str):
        self.process = process
        self.url = url

    def said(self) -> list[dict]:
        """What the model answered: `text`, `finish_reason`, `usage`."""
        return self.get("/said", wire.ANSWER_SECONDS_MAX)

    def said_after(self, count: int) -> dict:
        """The answer after the first `count`, once the model is done with it."""
        return self.get(f"/said/{count}", ANSWER_SECONDS_MAX)

    def get(self, path: str, seconds_max: int):
        with urllib.request.urlopen(f"{self.url}{path}", timeout=seconds_max) as answer:
            return json.load(answer)


@contextlib.contextmanager
def running(model: str) -> Iterator[Shim]:
    process = subprocess.Popen(
        ["node", str(HERE / "shim.mjs"), model, "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        assert "listening on " in line, f"the model does not start: {line!r}"
        yield Shim(process, line.split("listening on ")[1].strip())
    finally:
        process.terminate()
        process.wait(timeout=END_SECONDS_MAX)


class Place:
    """A room with the assistant, its owner, and a member who only listens."""

    def __init__(self, node: Node):
        self.node = node
        grants = {"permissions": ["assistant.use", *PERMISSIONS]}
        self.ann = rooms.token("ann", **grants)
        self.bob = rooms.token("bob", **grants)
        self.room = rooms.create(node, self.ann, ["bob"])
        attached = rooms.call(node, "PUT", f"/channels/{self.room}", self.ann, {"assistant": True})
        assert attached.status == 200 and attached.json()["assistant"] is True, attached

    def conversation(self, user: str):
        bearer = self.ann if user == "ann" else self.bob
        return rooms.conversation(self.node, user, self.room, bearer)

    def message(self, message_id: str) -> dict:
        """A message as its room's history has it."""
        found = [one for one in rooms.history(self.node, self.room, self.bob) if one["id"] == message_id]
        assert len(found) == 1, found
        return found[0]

    def usage(self) -> dict:
        return rooms.read(self.node, f"/channels/{self.room}/assistant", self.ann)["usage"]


PERMISSIONS = ["conversation.read", "conversation.write", "chat:send"]


def frame_of(connection) -> dict:
    return json.loads(connection.recv(timeout=ANSWER_SECONDS_MAX))


def ask(connection, text: str) -> None:
    connection.send(json.dumps({"type": "send_message", "content": text}))


def first_chunk(connection) -> dict:
    while True:
        frame = frame_of(connection)
        if frame["type"] == "ai_response_chunk":
            return frame
        assert frame["type"] != "ai_response_error", frame


def rest(connection, deltas: list[str]) -> dict:
    """The end of the answer; its runs of tokens go to `deltas`."""
    while True:
        frame = frame_of(connection)
        if frame["type"] == "ai_response_chunk":
            deltas.append(frame["delta"])
        elif frame["type"] == "ai_response_complete":
            return frame
        assert frame["type"] != "ai_response_error", frame


def context_usage(connection) -> dict:
    while True:
        frame = frame_of(connection)
        if frame["type"] == "context_usage":
            return frame


def check_answer(place: Place, shim: Shim) -> str:
    """Streamed, completed, stored and said by the model: one text and one count of tokens."""
    before = len(shim.said())
    with place.conversation("ann") as ann:
        ask(ann, "What is the capital of France? Answer in one sentence.")
        first = first_chunk(ann)
        with place.conversation("bob") as bob:
            early, late = [first["delta"]], []
            complete = rest(ann, early)
            assert rest(bob, late) == complete, complete
            used = context_usage(ann)
    text = complete["final_content"]
    assert text == "".join(early), (text, early)
    assert late == [] or text == "".join(late), (text, late)
    said = shim.said_after(before)
    assert said["text"] == text, (said, text)
    assert complete["usage"] == said["usage"], (complete, said)
    assert complete["finish_reason"] == said["finish_reason"], (complete, said)
    stored = place.message(complete["message_id"])
    assert (stored["content"], stored["seq"]) == (text, complete["seq"]), stored
    assert stored["usage"] == said["usage"] and stored["userId"] == "assistant", stored
    assert used["limit_tokens"] == CONTEXT_TOKENS, used
    return f"{len(early)} runs, {complete['usage']['total_tokens']} tokens: {text[:60]!r}"


def check_cancel(place: Place, shim: Shim) -> str:
    """What was said until then is stored as cancelled, and the model stops."""
    before = len(shim.said())
    with place.conversation("ann") as ann:
        ask(ann, "Tell me a long story about a mountain.")
        deltas = [first_chunk(ann)["delta"]]
        ann.send(json.dumps({"type": "cancel_response"}))
        complete = rest(ann, deltas)
    assert complete["finish_reason"] == "cancelled", complete
    assert complete["final_content"] == "".join(deltas), (complete, deltas)
    assert place.message(complete["message_id"])["content"] == complete["final_content"]
    said = shim.said_after(before)
    assert said["finish_reason"] == "abort", said
    assert said["usage"]["completion_tokens"] < ANSWER_TOKENS, said
    return f"after {len(deltas)} runs; the model stopped at {said['usage']['completion_tokens']} tokens"


def check_again(place: Place, shim: Shim) -> str:
    """The room answers again, and its sums are those of its messages."""
    check_answer(place, shim)
    answers = [
        one for one in rooms.history(place.node, place.room, place.ann) if one["userId"] == "assistant"
    ]
    total = sum(one["usage"]["total_tokens"] for one in answers)
    usage = place.usage()
    assert (usage["answers"], usage["total_tokens"]) == (len(answers), total), (usage, answers)
    return f"{len(answers)} answers, {total} tokens in all"


def main() -> int:
    parser = argparse.ArgumentParser(description="a real model in a room")
    parser.add_argument("--conclave", required=True, help="the server's program")
    parser.add_argument("--model", required=True, help="what `.ci/install model` installed")
    options = parser.parse_args()
    program = str(pathlib.Path(options.conclave).absolute())
    passed = []
    with tempfile.TemporaryDirectory(prefix="conclave-model-") as home, running(options.model) as shim:
        world = World(program, pathlib.Path(home))
        try:
            node = world.start(
                {
                    "JWT_SECRET_KEY": SECRET,
                    "CONCLAVE_ASSISTANT__ENABLED": "true",
                    "CONCLAVE_ASSISTANT__BASE_URL": f"{shim.url}/v1",
                    "CONCLAVE_ASSISTANT__MODEL": "smollm2-135m",
                    "CONCLAVE_ASSISTANT__CONTEXT_LIMIT": str(CONTEXT_TOKENS),
                    "CONCLAVE_ASSISTANT__ANSWER_TOKENS": str(ANSWER_TOKENS),
                }
            )
            place = Place(node)
            for check in (check_answer, check_cancel, check_again):
                name = check.__name__.removeprefix("check_")
                try:
                    print(f"ok     {name}: {check(place, shim)}", flush=True)
                    passed.append(True)
                except Exception as reason:  # noqa: BLE001
                    print(f"FAILED {name}: {reason!r}\n{world.logs()}", flush=True)
                    passed.append(False)
        finally:
            world.stop()
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
