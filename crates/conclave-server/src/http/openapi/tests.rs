//! The document against the router, and every answer that any test gets against the document.

mod conformance;

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

pub(in crate::http) use conformance::check;

use super::page::page;
use super::{chapters, described};
use crate::http::pages::Pages;
use crate::http::{pages, server_api};

#[test]
fn every_route_is_described_and_no_other() {
    let server = server_api::batch_pages(server_api::pages(Pages::default()));
    let all = pages();
    let routes = all.listed().iter().chain(server.listed());
    let routes: BTreeSet<_> = routes
        .map(|(method, path)| (method.to_string(), *path))
        .collect();
    let operations = chapters().into_iter().flat_map(|part| part.operations);
    let described: Vec<_> = operations
        .map(|operation| (operation.method().to_string(), operation.path()))
        .collect();
    let count = described.len();
    let described: BTreeSet<_> = described.into_iter().collect();
    assert_eq!(count, described.len(), "a call is described twice");
    assert_eq!(routes, described);
}

#[test]
fn every_reference_leads_somewhere() {
    fn visit(document: &Value, value: &Value) {
        match value {
            Value::Array(list) => list.iter().for_each(|each| visit(document, each)),
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = target.strip_prefix('#').expect("inside the document");
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
                members.values().for_each(|each| visit(document, each));
            }
            _ => {}
        }
    }
    let document = described();
    visit(&document, &document);
}

#[test]
fn every_call_has_a_name_of_its_own_and_an_answer() {
    let document = described();
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let name = operation["operationId"].as_str().expect("a name");
            assert!(names.insert(name.to_owned()), "{name} twice");
            let answers = operation["responses"].as_object().expect("answers");
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{method} {path}"
            );
            assert!(answers.contains_key("default"));
            let proofs = operation["security"].as_array().expect("a list");
            for proof in proofs {
                let name = proof.as_object().and_then(|proof| proof.keys().next());
                let name = name.expect("a name");
                let schemes = &document["components"]["securitySchemes"];
                assert!(schemes.get(name).is_some(), "{name}");
            }
        }
    }
}

#[test]
fn the_page_can_run_nothing_and_asks_for_nothing() {
    let (html, policy) = page(&described());
    for word in [
        "<script",
        "javascript:",
        " src=",
        "http://",
        " style=",
        "url(",
    ] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(html.contains("<code>/channels/{id}/messages</code>"));
    assert!(html.contains("id=\"Message\""));
}

#[test]
fn texts_of_the_document_are_escaped() {
    let evil = "<img src=x onerror=alert(1)>\"'&`<b>`";
    let (html, _) = page(&json!({
        "info": { "title": evil, "version": evil, "description": evil },
        "tags": [{ "name": evil, "description": evil }],
        "paths": { evil: { evil: {
            "tags": [evil],
            "operationId": evil,
            "summary": evil,
            "description": evil,
            "security": [{ evil: [] }],
            "parameters": [{ "name": evil, "in": evil, "schema": { "enum": [evil] } }],
            "requestBody": { "content": { evil: { "schema": { "$ref": evil } } } },
            "responses": { evil: { "description": evil, "content": { evil: { "schema": {
                "properties": { evil: { "type": evil, "format": evil } },
            } } } } },
        } } },
        "components": { "schemas": { evil: { "type": [evil] } } },
    }));
    assert!(!html.contains("<img"));
    assert!(!html.contains("<b>"));
    assert!(!html.contains("alert(1)>"));
}

#[tokio::test]
async fn the_document_and_its_page_are_for_everybody() {
    let site = crate::http::tests::Site::new().await;
    let answer = site.get("/openapi.json").send().await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["openapi"], "3.1.0");
    let answer = site.get("/docs").send().await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    for dialect in ["topics", "conversation", "socketio"] {
        let page = site.get(&format!("/asyncapi/{dialect}")).send().await;
        assert_eq!(page.header("content-security-policy"), Some(policy));
        let document = site.get(&format!("/asyncapi/{dialect}.yaml")).send().await;
        assert_eq!(document.header("content-type"), Some("application/yaml"));
    }
    let unknown = site.get("/asyncapi/telex").send().await;
    assert_eq!(
        unknown.header("content-type"),
        Some("application/problem+json")
    );
}

#[test]
fn an_undescribed_answer_is_noticed() {
    let undescribed = |method: Method, path: &str, status, text: &str| {
        let caught =
            std::panic::catch_unwind(|| check(&method, path, status, "application/json", text));
        caught.is_err()
    };
    let me = r#"{"id":"user","name":"Alice"}"#;
    assert!(!undescribed(Method::GET, "/users/me", 200, me));
    assert!(undescribed(
        Method::GET,
        "/users/me",
        200,
        r#"{"id":"user"}"#
    ));
    assert!(undescribed(
        Method::GET,
        "/users/me",
        200,
        r#"{"id":"user","name":5}"#
    ));
    assert!(undescribed(
        Method::GET,
        "/users/me",
        200,
        r#"{"id":"u","name":"n","more":1}"#
    ));
    assert!(undescribed(Method::GET, "/users/me", 202, me));
    assert!(undescribed(Method::GET, "/users/me", 404, me));
}
