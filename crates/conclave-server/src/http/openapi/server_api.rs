//! What backends call (server.md).

use axum::http::Method;
use serde_json::{Value, json};

use super::Chapter;
use super::console::search;
use super::operation::{
    Operation, call, flag, list_of, may, must, number, object, one_of, text, text_of, uuid,
};
use super::rooms::{message_types, messages_page};
use crate::http::rooms::shapes::{Message, Presence};
use crate::http::server_api::shapes::{Account, Connection, Disconnected, Explanation, User};

pub(super) fn chapter() -> Chapter {
    let mut operations = publishing();
    operations.extend(pushing());
    operations.extend(ending());
    operations.extend(watching());
    operations.extend(accounts());
    operations.push(batch());
    Chapter {
        tag: "server",
        about: "What backends call, by an API key or a token with the permission.",
        operations,
    }
}

fn publishing() -> Vec<Operation> {
    let publish = "server.publish";
    vec![
        call(
            Method::POST,
            "/api/v1/topics/publish",
            "Publish to a topic of a session",
        )
        .backend(publish)
        .body([
            must(
                "session",
                text(),
                "`session-USER` for that user's default one.",
            ),
            must("topic", text_of(1, 255), ""),
            must("payload", anything(), ""),
            may(
                "publisher_name",
                text_of(0, 255),
                "The key's name where it is not said.",
            ),
            may(
                "anonymous",
                flag(),
                "The session is one of clients without a token.",
            ),
            may(
                "issuer",
                text(),
                "The `iss` of the tokens that name the session.",
            ),
        ])
        .gives_nothing(),
        call(
            Method::POST,
            "/api/v1/rooms/{id}/messages",
            "Send a message as a user",
        )
        .about("200 where it was stored before.")
        .backend(publish)
        .body([
            must("user_id", text_of(1, 255), "In whose name."),
            must("content", text_of(1, 2000), ""),
            may("reply_to", uuid(), ""),
            may("client_id", text_of(1, 128), ""),
            may("message_type", message_types(), ""),
        ])
        .gives::<Message>(200)
        .gives::<Message>(201),
    ]
}

/// What is not stored.
fn pushing() -> Vec<Operation> {
    let publish = "server.publish";
    vec![
        call(
            Method::POST,
            "/api/v1/rooms/{id}/events",
            "Send an event to a room's connections",
        )
        .about("It is not stored.")
        .backend(publish)
        .body([
            must(
                "event",
                word_of("^[A-Za-z0-9.:_-]{1,64}$"),
                "None of the server's own names.",
            ),
            may("data", anything(), ""),
        ])
        .gives_nothing(),
        call(
            Method::POST,
            "/api/v1/users/{id}/push",
            "Push to a user's feed",
        )
        .about("Who is offline misses it.")
        .backend(publish)
        .body([
            must("type", one_of(&["notification", "live_update"]), ""),
            may("data", json!({ "type": "object" }), ""),
        ])
        .gives_nothing(),
        call(
            Method::POST,
            "/api/v1/system-status",
            "Tell everybody how the system is",
        )
        .backend(publish)
        .body([
            must("status", word_of("^[A-Za-z0-9_-]{1,64}$"), "One word."),
            must("message", text_of(0, 2000), ""),
        ])
        .gives_nothing(),
    ]
}

fn ending() -> Vec<Operation> {
    vec![
        call(Method::POST, "/api/v1/disconnect", "Close connections")
            .backend("server.disconnect")
            .body([
                may("user_id", text(), "Either this,"),
                may(
                    "connection_id",
                    word_of("^[0-9]{1,20}(-[0-9a-f]{32})?$"),
                    "or this, of whichever node; without one, of the node that is asked.",
                ),
                may(
                    "code",
                    json!({ "type": "integer", "minimum": 1000, "maximum": 4999 }),
                    "1000, or 3000 to 4999.",
                ),
                may("reason", text_of(0, 123), ""),
            ])
            .gives::<Disconnected>(200),
        call(Method::POST, "/auth/revoke", "Revoke tokens")
            .about("Exactly one of the three; connections close.")
            .backend("server.disconnect")
            .body([
                may("token", text(), ""),
                may("user_id", text(), ""),
                may("session_id", text(), ""),
            ])
            .gives_nothing(),
    ]
}

fn watching() -> Vec<Operation> {
    let monitor = "system.monitor";
    vec![
        call(Method::GET, "/api/v1/connections", "Open connections")
            .about("Of all nodes. Those that did not answer are named in `Conclave-Silent-Nodes`.")
            .backend(monitor)
            .query(search("their user, session, address or surface"))
            .paged(50, 200)
            .gives_list::<Connection>(200),
        messages_page(call(
            Method::GET,
            "/api/v1/rooms/{id}/messages",
            "Any room's messages, newest first",
        ))
        .backend(monitor)
        .gives_list::<Message>(200),
        call(
            Method::GET,
            "/api/v1/rooms/{id}/presence",
            "Who of any room's members is there",
        )
        .backend(monitor)
        .gives_list::<Presence>(200),
        call(Method::GET, "/api/v1/users/{id}", "What is known of a user")
            .backend(monitor)
            .gives::<User>(200),
        call(
            Method::GET,
            "/api/v1/explain",
            "May a user do this, and why?",
        )
        .backend(monitor)
        .query(must("user", text(), ""))
        .query(must("permission", text(), "Such as `chat:send`."))
        .query(may(
            "channel",
            text(),
            "`room:ID`, `topic:NAME`, `user:ID` or `broadcast`.",
        ))
        .gives::<Explanation>(200),
    ]
}

fn accounts() -> Vec<Operation> {
    let roles = || may("roles", list_of(text()), "Names of `[auth.roles]`.");
    let permissions = || may("permissions", list_of(text()), "Beside the roles'.");
    vec![
        call(Method::GET, "/api/v1/users", "Own users, by name")
            .backend("admin")
            .paged(50, 200)
            .gives_list::<Account>(200),
        call(Method::POST, "/api/v1/users", "Add a user")
            .backend("admin")
            .body([
                must("name", text_of(1, 255), ""),
                must("password", text_of(8, 1024), ""),
                roles(),
                permissions(),
            ])
            .gives::<Account>(201),
        call(Method::PUT, "/api/v1/users/{id}", "Change a user")
            .about("What is missing stays. Another password ends all the user's tokens.")
            .backend("admin")
            .body([
                may("password", text_of(8, 1024), ""),
                roles(),
                permissions(),
                may("disabled", flag(), ""),
            ])
            .gives::<Account>(200),
        call(Method::DELETE, "/api/v1/users/{id}", "Remove a user")
            .about("Its tokens end, its connections close.")
            .backend("admin")
            .gives_nothing(),
    ]
}

fn batch() -> Operation {
    let call_of = object([
        may(
            "method",
            json!({ "type": "string", "enum": ["GET", "POST", "PUT", "DELETE"], "default": "POST" }),
            "",
        ),
        must(
            "call",
            text(),
            "A path, or the part of it behind `/api/v1/`.",
        ),
        may("body", anything(), ""),
    ]);
    let calls = json!({ "type": "array", "maxItems": 1000, "items": call_of });
    let answers = list_of(object([
        must("status", number(), ""),
        must("body", anything(), "`null` where there is none."),
    ]));
    call(Method::POST, "/api/v1/batch", "Many of these calls in one")
        .about("Answered one by one, in their order; none undoes another.")
        .backend("each one's own")
        .body_of("application/json", calls, true)
        .gives_json(200, answers)
}

fn word_of(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn anything() -> Value {
    json!({})
}
