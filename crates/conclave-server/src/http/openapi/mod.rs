//! `GET /openapi.json`: every call of the server as an `OpenAPI` 3.1 document, and `GET /docs`:
//! the same as a page.
//!
//! The shapes of answers come from the types that are answered; calls are described in
//! `identity`, `rooms` and `server_api`, by means of `operation`. A test holds them against the
//! router.

mod console;
mod identity;
mod operation;
mod page;
mod rooms;
mod server_api;
#[cfg(test)]
mod tests;
mod wallets;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use operation::Operation;
#[cfg(test)]
pub(super) use tests::check;

/// `GET /openapi.json`.
pub(super) async fn document() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, KEPT)];
    (headers, DOCUMENT.as_str())
}

/// `GET /docs`: works without scripts and without any other request.
pub(super) async fn page() -> impl IntoResponse {
    let (html, policy) = &*PAGE;
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, KEPT),
        (CONTENT_SECURITY_POLICY, policy.as_str()),
    ];
    (headers, html.as_str())
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| described().to_string());
static PAGE: LazyLock<(String, String)> = LazyLock::new(|| page::page(&described()));

/// A part of the document.
struct Chapter {
    tag: &'static str,
    about: &'static str,
    operations: Vec<Operation>,
}

fn chapters() -> [Chapter; 5] {
    [
        identity::chapter(),
        rooms::chapter(),
        wallets::chapter(),
        server_api::chapter(),
        console::chapter(),
    ]
}

/// The whole document.
fn described() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut shapes = Vec::new();
    let mut tags = Vec::new();
    for chapter in chapters() {
        tags.push(json!({ "name": chapter.tag, "description": chapter.about }));
        for mut operation in chapter.operations {
            for shape in operation.take_shapes() {
                shape(&mut shapes);
            }
            let method = operation.method().as_str().to_ascii_lowercase();
            let path = operation.path();
            let described = operation.described(chapter.tag);
            paths.entry(path).or_default().insert(method, described);
        }
    }
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for (name, schema) in shapes {
        schemas.insert(name, json!(schema));
    }
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Conclave",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": ABOUT,
        },
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "What is wrong, as RFC 9457 says it.",
                    "content": {
                        "application/problem+json": {
                            "schema": { "$ref": "#/components/schemas/Problem" },
                        },
                    },
                },
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token.",
                },
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "key_…",
                    "description": "An API key of `conclave key add`.",
                },
            },
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string", "const": "about:blank" },
            "title": { "type": "string", "description": "The status in words." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "code": {
                "type": "string",
                "enum": [
                    "bad_request", "conflict", "forbidden", "internal", "not_found",
                    "rate_limited", "too_large", "unauthenticated", "unavailable",
                ],
                "description": "The same in every dialect.",
            },
            "detail": {
                "type": "string",
                "description": "For people; names the field where one is wrong.",
            },
        },
    })
}

const ABOUT: &str = "HTTP calls of a Conclave server: signing in, rooms, and what backends call. \
    Errors are `application/problem+json` (RFC 9457). A user may ask 20 times a second; one time \
    too many is 429 with `Retry-After`. Times are RFC 3339 in UTC.";
/// It changes only with the server.
const KEPT: &str = "no-cache";
