//! `GET /asyncapi/{dialect}.yaml`: what a dialect's clients send and hear, as an AsyncAPI 3.1
//! document (`docs/asyncapi`), and `GET /asyncapi/{dialect}`: the same as a page.

mod page;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use conclave_asyncapi::model::Document;
use conclave_asyncapi::{Limits, MemoryLoader, Reading};
use conclave_protocol::Refusal;

use super::html::policy;
use super::problem::Problem;

/// A dialect's document, and the page that is made of it when it is first asked for.
struct Described {
    name: &'static str,
    yaml: &'static str,
    page: LazyLock<String>,
}

/// Answers both forms; works without scripts and without any other request.
pub(super) async fn document(Path(file): Path<String>) -> Result<Response, Problem> {
    let name = file.strip_suffix(".yaml").unwrap_or(&file);
    let found = DESCRIBED.iter().find(|described| described.name == name);
    let described = found.ok_or_else(|| {
        let text =
            "there is no such dialect: expected topics, conversation, service, socketio or wallet";
        Problem::refused(Refusal::NotFound, text)
    })?;
    if file.ends_with(".yaml") {
        let headers = [(CONTENT_TYPE, YAML), (CACHE_CONTROL, KEPT)];
        return Ok((headers, described.yaml).into_response());
    }
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, KEPT),
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
    ];
    Ok((headers, described.page.as_str()).into_response())
}

/// The document as its model; the tests see to it that there is one.
fn read(file: &str, yaml: &str) -> Reading {
    let loader = MemoryLoader::new([(file.to_owned(), yaml.to_owned())]);
    conclave_asyncapi::read(file, &loader, &Limits::default())
}

fn shown(name: &str, yaml: &str) -> String {
    let document: Option<Document> = read(name, yaml).document;
    document.map_or_else(String::new, |document| page::page(name, &document))
}

macro_rules! described {
    ($($name:literal),+) => {[$(
        Described {
            name: $name,
            yaml: include_str!(concat!("../../../../../docs/asyncapi/", $name, ".yaml")),
            page: LazyLock::new(|| shown(
                $name,
                include_str!(concat!("../../../../../docs/asyncapi/", $name, ".yaml")),
            )),
        }
    ),+]};
}

static DESCRIBED: [Described; 5] =
    described!("topics", "conversation", "service", "socketio", "wallet");
static POLICY: LazyLock<String> = LazyLock::new(policy);
const KEPT: &str = "public, max-age=3600";
/// RFC 9512.
const YAML: &str = "application/yaml";
