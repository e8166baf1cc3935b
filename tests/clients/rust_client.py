"""The Rust client: its examples against a real server, and through one that is killed."""

from __future__ import annotations

import pathlib
import subprocess

import rooms
from proxy import Proxy
from world import SECRET, World

SECONDS_MAX = 60


def example(world: World, name: str, *arguments: str) -> subprocess.Popen:
    """Starts an example that lies beside the server's program."""
    program = pathlib.Path(world.program).parent / "examples" / name
    return subprocess.Popen(
        [str(program), *arguments],
        env=world.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: subprocess.Popen) -> str:
    """What it printed, once it has ended well."""
    try:
        said, _ = process.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        raise AssertionError(f"not done after {SECONDS_MAX} s: {said}") from None
    assert process.returncode == 0, said
    return said


def case_the_calls_of_the_first_seed_work_as_written(world: World) -> None:
    said = finished(example(world, "seed_001", world.node.ws))
    for line in ("Client is authenticated via JWT", "Current JWT token: ", "Token is still valid"):
        assert line in said, said


def case_topics_stay_in_their_session(world: World) -> None:
    said = finished(example(world, "topics", world.node.ws, "user", "password"))
    assert "sessions are apart" in said, said


def case_members_of_a_room_talk(world: World) -> None:
    said = finished(example(world, "room", world.node.http))
    assert "the history holds both" in said, said


def case_a_wrong_password_is_told(world: World) -> None:
    process = example(world, "topics", world.node.ws, "user", "wrong")
    said, _ = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 1 and "Unauthenticated" in said, said


def case_sends_survive_a_line_that_is_cut(world: World) -> None:
    token = rooms.token("user")
    room = rooms.create(world.node, token, [])
    count = 60
    with Proxy(world.node.port) as proxy:
        sender = example(
            world, "sender", f"ws://127.0.0.1:{proxy.port}", "user", "password", room, str(count), "20"
        )
        acked = []
        for line in sender.stdout:
            acked.append(line.split())
            if len(acked) in (10, 25, 40):
                proxy.cut()
                proxy.mend()
        assert sender.wait(timeout=SECONDS_MAX) == 0, acked[-1:]
    check(rooms.history(world.node, room, token), acked, count)


def case_sends_survive_a_server_that_is_killed(world: World) -> None:
    node = world.start({"JWT_SECRET_KEY": SECRET})
    token = rooms.token("user")
    room = rooms.create(node, token, [])
    count = 60
    sender = example(world, "sender", node.ws, "user", "password", room, str(count), "20")
    acked = []
    for line in sender.stdout:
        acked.append(line.split())
        if len(acked) == 15:
            node.crash()
            node.start()
    assert sender.wait(timeout=SECONDS_MAX) == 0, acked[-1:]
    check(rooms.history(node, room, token), acked, count)


def check(stored: list[dict], acked: list[list[str]], count: int) -> None:
    """Nothing lost, doubled or reordered, and each ack says the truth."""
    contents = [message["content"] for message in stored]
    assert contents == [f"rust-{number}" for number in range(1, count + 1)], contents
    places = [["acked", str(number), str(message["seq"])] for number, message in enumerate(stored, 1)]
    assert acked == places, acked
