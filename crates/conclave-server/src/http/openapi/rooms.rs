//! Rooms, messages, profiles (socketio.md, "REST for rooms").

use axum::http::Method;
use serde_json::{Value, json};

use super::Chapter;
use super::operation::{
    Field, Operation, call, flag, limit, list_of, may, must, number, one_of, text, text_of, uuid,
};
use crate::http::rooms::assistant::{RoomAssistant, UserAssistant};
use crate::http::rooms::shapes::{
    Channel, DeliveryStatus, Invitation, Left, Member, Message, Person, Presence,
};

pub(super) fn chapter() -> Chapter {
    let mut operations = channels();
    operations.push(assistant());
    operations.extend(membership());
    operations.extend(members());
    operations.extend(messages());
    operations.extend(users());
    Chapter {
        tag: "rooms",
        about: "Rooms, their members and messages; the same rooms as in every dialect. A room \
                that is not the caller's to see is 404, as if it did not exist.",
        operations,
    }
}

fn channels() -> Vec<Operation> {
    let description = |text| may("description", text_of(0, 500), text);
    vec![
        call(
            Method::GET,
            "/channels",
            "One's own rooms, or the public ones",
        )
        .needs("conversation.read")
        .query(may(
            "scope",
            one_of(&["own", "public"]),
            "`own` where it is not said.",
        ))
        .paged(50, 200)
        .gives_list::<Channel>(200),
        call(Method::POST, "/channels", "Create a room")
            .about("200 with the one that is there, for a DM of the same two users.")
            .needs("room.create")
            .body([
                may(
                    "name",
                    text_of(1, 100),
                    "Must be there, but for a DM, which has none.",
                ),
                description(""),
                must("type", one_of(&["PUBLIC", "PRIVATE", "DM"]), ""),
                may(
                    "memberIds",
                    list_of(text()),
                    "First members beside the caller, at most 100; exactly one for a DM.",
                ),
            ])
            .gives::<Channel>(200)
            .gives::<Channel>(201),
        call(Method::GET, "/channels/{id}", "One room")
            .needs("conversation.read")
            .gives::<Channel>(200),
        call(Method::PUT, "/channels/{id}", "Change a room")
            .about("By its owner, or with `chat:moderate`. What is missing stays.")
            .token()
            .body([
                may("name", text_of(1, 100), ""),
                description("Empty takes it away."),
                may(
                    "assistant",
                    flag(),
                    "Whether the assistant answers there; 503 where the server has none, 403 where it \
                     does not allow it.",
                ),
            ])
            .gives::<Channel>(200),
        call(
            Method::DELETE,
            "/channels/{id}",
            "Delete a room with all in it",
        )
        .about("By its owner, or with `chat:moderate`.")
        .token()
        .gives_nothing(),
    ]
}

/// What a room's assistant is.
fn assistant() -> Operation {
    call(
        Method::GET,
        "/channels/{id}/assistant",
        "The assistant of a room, and what its answers took",
    )
    .about("To members.")
    .needs("conversation.read")
    .gives::<RoomAssistant>(200)
}

/// Of oneself.
fn membership() -> Vec<Operation> {
    vec![
        call(Method::POST, "/channels/{id}/join", "Become a member")
            .about("Of a public room, or where invited.")
            .needs("conversation.read")
            .optional_body([])
            .gives::<Channel>(200),
        call(
            Method::DELETE,
            "/channels/{id}/leave",
            "Stop being a member",
        )
        .about("An owner hands over to the longest-standing member.")
        .needs("conversation.read")
        .query(may(
            "shouldDelete",
            flag(),
            "An owner deletes the room instead.",
        ))
        .gives::<Left>(200),
        call(
            Method::GET,
            "/channels/invitations/pending",
            "One's pending invitations",
        )
        .needs("conversation.read")
        .gives_list::<Invitation>(200),
        call(
            Method::POST,
            "/channels/invitations/{id}/accept",
            "Accept an invitation",
        )
        .needs("conversation.read")
        .optional_body([])
        .gives::<Invitation>(200),
        call(
            Method::POST,
            "/channels/invitations/{id}/reject",
            "Reject an invitation",
        )
        .needs("conversation.read")
        .optional_body([])
        .gives::<Invitation>(200),
    ]
}

fn members() -> Vec<Operation> {
    let roles = one_of(&["OWNER", "MODERATOR", "MEMBER"]);
    vec![
        call(Method::GET, "/channels/{id}/members", "A room's members")
            .needs("conversation.read")
            .paged(1000, 1000)
            .gives_list::<Member>(200),
        call(
            Method::PUT,
            "/channels/{id}/members/{user}",
            "Give a member a role",
        )
        .about("By the room's owner; `OWNER` hands the room over.")
        .token()
        .body([must("role", roles, "")])
        .gives::<Member>(200),
        call(
            Method::DELETE,
            "/channels/{id}/members/{user}",
            "Remove a member",
        )
        .about("By the room's owner or moderators, or with `chat:moderate`.")
        .token()
        .query(may("ban", flag(), "Also keeps them from coming back."))
        .gives_nothing(),
        call(
            Method::GET,
            "/channels/{id}/presence",
            "Who of the members is there",
        )
        .needs("conversation.read")
        .gives_list::<Presence>(200),
        call(Method::POST, "/channels/{id}/invitations", "Invite a user")
            .about("200 with the one that is pending, where there is one.")
            .needs("room.create")
            .body([must("inviteeId", text_of(1, 255), "")])
            .gives::<Invitation>(200)
            .gives::<Invitation>(201),
    ]
}

fn messages() -> Vec<Operation> {
    let content = || {
        must(
            "content",
            text_of(1, 2000),
            "For an image or file its https URL.",
        )
    };
    vec![
        messages_page(call(
            Method::GET,
            "/channels/{id}/messages",
            "A room's messages, newest first",
        ))
        .needs("conversation.read")
        .gives_list::<Message>(200),
        call(Method::POST, "/channels/{id}/messages", "Send a message")
            .about("200 with the stored message, where the `clientId` was used before.")
            .needs("chat:send")
            .body([
                content(),
                may("parentId", uuid(), "The message it answers."),
                may(
                    "clientId",
                    text_of(1, 128),
                    "The same again stores nothing twice.",
                ),
                may("messageType", message_types(), ""),
            ])
            .gives::<Message>(200)
            .gives::<Message>(201),
        call(Method::PUT, "/messages/{id}", "Change one's own message")
            .needs("chat:send")
            .body([content()])
            .gives::<Message>(200),
        call(Method::DELETE, "/messages/{id}", "Delete a message")
            .about("By its author, the room's owner or moderators, or with `chat:moderate`.")
            .needs("chat:send")
            .gives_nothing(),
        call(
            Method::GET,
            "/messages/{id}/receipt",
            "Who has received and seen a message",
        )
        .about("At most 200 recipients.")
        .needs("conversation.read")
        .gives_list::<DeliveryStatus>(200),
        call(
            Method::PUT,
            "/messages/{id}/receipt",
            "Say that a message was received or seen",
        )
        .about("It counts for the room's earlier messages too.")
        .needs("conversation.read")
        .body([must("status", one_of(&["DELIVERED", "READ"]), "")])
        .gives_nothing(),
    ]
}

fn users() -> Vec<Operation> {
    vec![
        call(Method::GET, "/users/me", "One's own profile")
            .needs("conversation.read")
            .gives::<Person>(200),
        call(Method::PUT, "/users/me", "Change one's own profile")
            .needs("profile:update")
            .body([
                may("name", text_of(1, 100), ""),
                may(
                    "avatar",
                    text_of(0, 500),
                    "An https URL; empty takes it away.",
                ),
                may("bio", text_of(0, 500), "Empty takes it away."),
            ])
            .gives::<Person>(200),
        call(
            Method::GET,
            "/users/me/assistant",
            "What one's questions to the assistant took, and may take",
        )
        .about("404 where the server has no assistant.")
        .needs("assistant.use")
        .gives::<UserAssistant>(200),
        call(Method::GET, "/users/{id}", "A user's profile")
            .about("One's own, or of who shares a room.")
            .needs("conversation.read")
            .gives::<Person>(200),
    ]
}

/// `before`, `after` and `limit`, by sequence number.
pub(super) fn messages_page(operation: Operation) -> Operation {
    let seq = |name, about| -> Field { may(name, number(), about) };
    operation
        .about("`Link` says with `rel=\"next\"` and `rel=\"prev\"` whether there are older and newer ones.")
        .query(seq("before", "Those before this `seq`."))
        .query(seq("after", "Those next above this `seq`."))
        .query(limit(50, 200))
}

pub(super) fn message_types() -> Value {
    json!({ "type": "string", "enum": ["Text", "Image", "File", "System"], "default": "Text" })
}
