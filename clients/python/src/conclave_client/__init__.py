"""Asyncio client of a Conclave server: rooms, topics and broadcasts.

    async with Client(url, tokens=SignIn(url, "alice", password)) as client:
        room = client.room("general")
        await room.send("Hello")
        async for event in room:
            print(event)

It reconnects, resends and resubscribes by itself; it keeps nothing on disk. Reading order:
`client`, `room`, `feed` (with `outbox` and `subscription`), `topics`, `link`.
"""

from .broadcasts import Broadcasts
from .client import Client
from .errors import (
    BadRequest,
    ClientClosed,
    ConclaveError,
    Conflict,
    Disconnected,
    Forbidden,
    Internal,
    NetworkError,
    NotFound,
    OutboxFull,
    RateLimited,
    TooLarge,
    TooManyConnections,
    Unauthenticated,
    Unavailable,
    UnknownCommand,
)
from .events import (
    Member,
    MemberJoined,
    MemberLeft,
    Message,
    MessageDeleted,
    MessageEdited,
    Notice,
    OtherEvent,
    Presence,
    PresenceChanged,
    Publication,
    Receipt,
    Resynced,
    RoomEvent,
    RoomLeft,
    RoomSummary,
    Sent,
    TopicEvent,
    TopicGap,
    Typing,
)
from .room import Room, Topic
from .tokens import SignIn, Tokens

__version__ = "0.1.0"

__all__ = [
    "BadRequest",
    "Broadcasts",
    "Client",
    "ClientClosed",
    "ConclaveError",
    "Conflict",
    "Disconnected",
    "Forbidden",
    "Internal",
    "Member",
    "MemberJoined",
    "MemberLeft",
    "Message",
    "MessageDeleted",
    "MessageEdited",
    "NetworkError",
    "NotFound",
    "Notice",
    "OtherEvent",
    "OutboxFull",
    "Presence",
    "PresenceChanged",
    "Publication",
    "RateLimited",
    "Receipt",
    "Resynced",
    "Room",
    "RoomEvent",
    "RoomLeft",
    "RoomSummary",
    "Sent",
    "SignIn",
    "Tokens",
    "TooLarge",
    "TooManyConnections",
    "Topic",
    "TopicEvent",
    "TopicGap",
    "Typing",
    "Unauthenticated",
    "Unavailable",
    "UnknownCommand",
]
