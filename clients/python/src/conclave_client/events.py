"""What a room, a topic and a user's feed tell, each as a frozen dataclass.

Times are aware `datetime`s in UTC. `seq` is a room's sequence number: 1 and up, without gaps over
all durable events of the room, so messages alone may skip numbers.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import Any, Union

from .errors import BadRequest

JsonObject = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Message:
    """A stored message. Of a deleted one `content` is empty and `deleted` true."""

    id: str
    room_id: str
    seq: int
    user_id: str
    content: str
    created_at: datetime.datetime
    kind: str = "Text"
    reply_to: str | None = None
    edited_at: datetime.datetime | None = None
    deleted: bool = False
    status: str | None = None
    """`SENT`, `DELIVERED` or `READ`, where it was read by REST."""


@dataclasses.dataclass(frozen=True)
class MessageEdited:
    """A message has another text; `seq` is that of the edit."""

    id: str
    room_id: str
    seq: int
    user_id: str
    content: str
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class MessageDeleted:
    """A message was deleted; `seq` is that of the deletion."""

    id: str
    room_id: str
    seq: int
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Receipt:
    """Somebody has got (`delivered`) or seen (`read`) one of the user's own messages."""

    id: str
    room_id: str | None
    user_id: str
    status: str
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Typing:
    """Somebody began or ended typing."""

    room_id: str
    user_id: str
    typing: bool
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class MemberJoined:
    """Somebody, perhaps the user, became a member."""

    room_id: str
    user_id: str
    seq: int | None
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class MemberLeft:
    """Somebody is no member any more."""

    room_id: str
    user_id: str
    seq: int | None
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class PresenceChanged:
    """Somebody of the room came online or went."""

    room_id: str | None
    user_id: str
    is_online: bool
    last_seen: datetime.datetime | None


@dataclasses.dataclass(frozen=True)
class Resynced:
    """More was missed than the server replays, so the messages between were read by REST.

    They came before this event, as they are now. Edits and deletions of messages up to `from_seq`
    are not told: who shows older ones reads them anew. `to_seq` below `from_seq` says that the
    server's own count went back (it was restored from a backup).
    """

    room_id: str
    from_seq: int
    to_seq: int


@dataclasses.dataclass(frozen=True)
class RoomLeft:
    """The user's membership ended; nothing comes after it."""

    room_id: str


@dataclasses.dataclass(frozen=True)
class OtherEvent:
    """A frame that this version of the client does not know."""

    room_id: str
    body: JsonObject


RoomEvent = Union[
    Message,
    MessageEdited,
    MessageDeleted,
    Receipt,
    Typing,
    MemberJoined,
    MemberLeft,
    PresenceChanged,
    Resynced,
    RoomLeft,
    OtherEvent,
]


@dataclasses.dataclass(frozen=True)
class Notice:
    """A push to the user, not of a room: `notification`, `live_update`, `system_status`, or
    `member_joined` where a room took the user in."""

    kind: str
    body: JsonObject


@dataclasses.dataclass(frozen=True)
class Publication:
    """A message of a topic. `user` is who the token proved, None where anonymous."""

    topic: str
    payload: Any
    publisher_name: str
    user: str | None
    timestamp: str
    session_id: str
    offset: int | None = None


@dataclasses.dataclass(frozen=True)
class TopicGap:
    """Publications of the topic were missed, and the server keeps none of them."""

    topic: str


TopicEvent = Union[Publication, TopicGap]


@dataclasses.dataclass(frozen=True)
class Sent:
    """The server has the message on its disk."""

    id: str
    seq: int
    client_id: str


@dataclasses.dataclass(frozen=True)
class Member:
    """A member of a room. `role` is `OWNER`, `MODERATOR` or `MEMBER`."""

    user_id: str
    name: str
    role: str
    joined_at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Presence:
    """Whether a member is online, and when last seen."""

    user_id: str
    is_online: bool
    last_seen: datetime.datetime | None


@dataclasses.dataclass(frozen=True)
class RoomSummary:
    """A room as the user sees it. `my_role` is None for who is no member."""

    id: str
    name: str
    kind: str
    last_seq: int
    unread: int
    my_role: str | None
    members: int


def moment(value: float | str) -> datetime.datetime:
    """A time of the wire: Unix seconds or RFC 3339.

    Raises `BadRequest` where it is neither.
    """
    try:
        if isinstance(value, str):
            return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    except (OverflowError, TypeError, ValueError):
        raise BadRequest("the server named a time that is none") from None


def optional_moment(value: float | str | None) -> datetime.datetime | None:
    return None if value is None else moment(value)


def of_frame(frame: JsonObject) -> RoomEvent | None:
    """The event of a feed's frame, or None where it is an answer and no event of a room."""
    make = _OF_TYPE.get(str(frame.get("type")))
    if make is not None:
        return make(frame)
    room = frame.get("conversation_id")
    return OtherEvent(room, frame) if isinstance(room, str) else None


def of_stored(body: JsonObject) -> Message:
    """A message as REST shows it."""
    created, updated = moment(body["createdAt"]), moment(body["updatedAt"])
    deleted = body.get("deletedAt") is not None
    return Message(
        id=body["id"],
        room_id=body["channelId"],
        seq=body["seq"],
        user_id=body["userId"],
        content=body["content"],
        created_at=created,
        kind=body.get("messageType", "Text"),
        reply_to=body.get("parentId"),
        edited_at=updated if updated != created and not deleted else None,
        deleted=deleted,
        status=body.get("deliveryStatus"),
    )


def of_room(body: JsonObject) -> RoomSummary:
    """A room as REST shows it."""
    return RoomSummary(
        id=body["id"],
        name=body["name"],
        kind=body["type"],
        last_seq=body["lastSeq"],
        unread=body["unreadCount"],
        my_role=body.get("myRole"),
        members=body["_count"]["members"],
    )


def _message(frame: JsonObject) -> Message:
    return Message(
        id=frame["message_id"],
        room_id=frame["conversation_id"],
        seq=frame["seq"],
        user_id=frame["user_id"],
        content=frame["content"],
        created_at=moment(frame["timestamp"]),
        kind=frame.get("message_type", "Text"),
        reply_to=frame.get("reply_to_id"),
        deleted=bool(frame.get("deleted") or frame.get("deleted_at")),
    )


def _edited(frame: JsonObject) -> MessageEdited:
    return MessageEdited(
        id=frame["message_id"],
        room_id=frame["conversation_id"],
        seq=frame["seq"],
        user_id=frame["user_id"],
        content=frame["content"],
        at=moment(frame["timestamp"]),
    )


def _deleted(frame: JsonObject) -> MessageDeleted:
    return MessageDeleted(
        frame["message_id"], frame["conversation_id"], frame["seq"], moment(frame["timestamp"])
    )


def _receipt(frame: JsonObject) -> Receipt:
    return Receipt(
        id=frame["message_id"],
        room_id=frame.get("conversation_id"),
        user_id=frame["user_id"],
        status=frame["status"],
        at=moment(frame["timestamp"]),
    )


def _typing(frame: JsonObject) -> Typing:
    return Typing(
        frame["conversation_id"], frame["user_id"], frame["typing"], moment(frame["timestamp"])
    )


def _joined(frame: JsonObject) -> MemberJoined:
    at = moment(frame["timestamp"])
    return MemberJoined(frame["conversation_id"], frame["user_id"], frame.get("seq"), at)


def _left(frame: JsonObject) -> MemberLeft:
    at = moment(frame["timestamp"])
    return MemberLeft(frame["conversation_id"], frame["user_id"], frame.get("seq"), at)


def _presence(frame: JsonObject) -> PresenceChanged:
    return PresenceChanged(
        room_id=frame.get("conversation_id"),
        user_id=frame["user_id"],
        is_online=frame["is_online"],
        last_seen=optional_moment(frame.get("last_seen")),
    )


_OF_TYPE: dict[str, Callable[[JsonObject], RoomEvent]] = {
    "user_message": _message,
    "message_updated": _edited,
    "message_deleted": _deleted,
    "message_status": _receipt,
    "typing_indicator": _typing,
    "member_joined": _joined,
    "member_left": _left,
    "presence_update": _presence,
}
