//! Signing in, sessions, health (identity.md, "HTTP endpoints").

use axum::http::Method;
use serde_json::{Value, json};

use super::Chapter;
use super::operation::{
    Operation, call, date, flag, list_of, may, must, number, object, one_of, text, text_of,
};

pub(super) fn chapter() -> Chapter {
    let mut operations = tokens();
    operations.extend(sessions());
    operations.extend(server());
    Chapter {
        tag: "identity",
        about: "Signing in, tokens, sessions, and how the server is.",
        operations,
    }
}

fn tokens() -> Vec<Operation> {
    let form = object([
        must("username", text(), ""),
        must("password", text(), ""),
        may("grant_type", one_of(&["password"]), ""),
        may("scope", text(), ""),
    ]);
    let cookie = || may("cookie", flag(), "Also sets the tokens as cookies.");
    vec![
        call(Method::POST, "/token", "Sign in by a form")
            .about("The password grant of OAuth 2. A failure is 401 for any reason.")
            .query(cookie())
            .body_of("application/x-www-form-urlencoded", form, true)
            .gives_json(200, tokens_by(&["access_token", "token_type"])),
        call(Method::POST, "/auth/token", "Sign in")
            .query(cookie())
            .body([
                must("username", text(), ""),
                must("password", text(), ""),
                may("session_id", text(), "The named session the token is for."),
            ])
            .gives_json(200, tokens_by(&["token"])),
        call(Method::POST, "/auth/refresh", "Renew tokens")
            .about("By the refresh token, or its cookie from an allowed page.")
            .optional_body([may("refresh_token", text(), "")])
            .gives_json(200, tokens_by(&["access_token", "token", "token_type"])),
        call(Method::POST, "/auth/logout", "Sign out")
            .about("Its connections close.")
            .token()
            .optional_body([may("all", flag(), "All of one's own tokens.")])
            .gives_nothing(),
        call(Method::POST, "/auth/ticket", "A ticket for one handshake")
            .token()
            .optional_body([])
            .gives_json(
                200,
                object([must("ticket", text(), ""), must("expires_in", number(), "")]),
            ),
        call(Method::GET, "/auth/me", "Who the token proves")
            .token()
            .gives_json(
                200,
                object([
                    must("user_id", text(), ""),
                    must("name", text(), ""),
                    must("session", text(), ""),
                    must("roles", list_of(text()), ""),
                    must("permissions", list_of(text()), ""),
                    must("expires_at", or_null(date()), ""),
                ]),
            ),
        call(Method::POST, "/auth/password", "Change one's password")
            .about("Every token and sign-in of the user ends.")
            .token()
            .body([must("old", text(), ""), must("new", text_of(8, 1024), "")])
            .gives_nothing(),
    ]
}

fn sessions() -> Vec<Operation> {
    let session = object([
        must("name", text(), ""),
        must("created_at", date(), ""),
        must("shared_with", list_of(text()), ""),
    ]);
    vec![
        call(Method::GET, "/auth/sessions", "One's named sessions")
            .token()
            .gives_json(200, object([must("sessions", list_of(session), "")])),
        call(
            Method::DELETE,
            "/auth/sessions/{name}",
            "End a named session",
        )
        .token()
        .gives_nothing(),
        call(
            Method::PUT,
            "/auth/sessions/{name}/users/{user}",
            "Share a session",
        )
        .token()
        .gives_nothing(),
        call(
            Method::DELETE,
            "/auth/sessions/{name}/users/{user}",
            "Stop sharing a session",
        )
        .token()
        .gives_nothing(),
    ]
}

fn server() -> Vec<Operation> {
    let html = json!({ "type": "string" });
    vec![
        call(
            Method::GET,
            "/.well-known/jwks.json",
            "The server's public keys",
        )
        .about("404 where tokens are signed with a shared secret.")
        .gives_as(
            200,
            "application/jwk-set+json",
            json!({ "type": "object", "required": ["keys"] }),
        ),
        call(Method::GET, "/test-token", "A token to try things with")
            .about("404 outside dev mode.")
            .gives_json(
                200,
                object([must("test_token", text(), ""), must("note", text(), "")]),
            ),
        call(Method::GET, "/health/live", "Does the process answer?")
            .gives_json(200, object([must("status", one_of(&["live"]), "")])),
        call(Method::GET, "/health/ready", "May it be sent clients?")
            .about("503 names what is wrong.")
            .gives_json(
                200,
                object([must(
                    "status",
                    one_of(&["ready", "degraded"]),
                    "Degraded: other nodes cannot be reached now.",
                )]),
            ),
        call(Method::GET, "/metrics", "Metrics for Prometheus")
            .about("From this machine, or with `system.monitor`.")
            .gives_as(200, "application/openmetrics-text", text()),
        call(Method::GET, "/ws/stats", "What is connected")
            .needs("system.monitor")
            .gives_json(200, stats()),
        call(Method::GET, "/openapi.json", "This document")
            .gives_json(200, json!({ "type": "object" })),
        call(Method::GET, "/docs", "This document as a page").gives_as(
            200,
            "text/html",
            html.clone(),
        ),
        call(
            Method::GET,
            "/asyncapi/{document}",
            "What a dialect's clients send and hear: `topics`, `conversation` or `socketio` as a \
             page, with `.yaml` behind it as an AsyncAPI document",
        )
        .about("404 for other dialects.")
        .gives_as(200, "text/html", html.clone())
        .gives_as(200, "application/yaml", html),
    ]
}

/// What signing in answers; surfaces name the access token differently.
fn tokens_by(names: &[&'static str]) -> Value {
    let by_name = names.iter().map(|name| must(name, text(), ""));
    object(by_name.chain([
        must("expires_in", number(), "Seconds."),
        must("refresh_token", text(), ""),
    ]))
}

fn stats() -> Value {
    let counts = || {
        [
            must("active_connections", number(), ""),
            must("unique_users", number(), ""),
            must(
                "connection_types",
                json!({ "type": "object", "additionalProperties": number() }),
                "",
            ),
        ]
    };
    let most = || must("max_connections_per_user", number(), "");
    let security = object([
        must("authenticated_connections", number(), ""),
        must("unique_authenticated_users", number(), ""),
        most(),
    ]);
    let stats = object([
        must("websocket_manager", object(counts()), ""),
        must(
            "authentication",
            object(counts().into_iter().chain([most()])),
            "",
        ),
        must("security", security, ""),
    ]);
    object([
        must("success", flag(), ""),
        must("stats", stats, ""),
        must("timestamp", json!({ "type": "number" }), "Unix seconds."),
    ])
}

fn or_null(mut schema: Value) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("type".to_owned(), json!(["string", "null"]));
    }
    schema
}
