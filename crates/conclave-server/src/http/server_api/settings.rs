//! The configuration and the roles, as they are in force.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use conclave_protocol::Monitor;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Here, permit};
use crate::config::{Shown, Source, shown};
use crate::http::backend::Backend;
use crate::http::problem::Problem;
use crate::node::Node;

/// A role and what it grants.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Role {
    role: String,
    permissions: Vec<String>,
}

/// The configuration in force.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Settings {
    /// `normal`, `dev` or `conformance`.
    profile: &'static str,
    /// The file that was read.
    file: Option<String>,
    keys: Vec<Key>,
}

/// One key.
#[derive(Serialize, ToSchema)]
struct Key {
    /// Such as `limits.message_bytes`.
    key: String,
    /// Of any type; `null` where unset, or a secret.
    value: Value,
    /// Whether it is never shown.
    secret: bool,
    /// Whether there is a value.
    set: bool,
    /// `default`, `file`, `environment` or `flag`.
    from: &'static str,
    /// The variable's name.
    source: Option<String>,
    /// What it means.
    about: String,
}

/// `GET /api/v1/roles`: by name.
pub(in crate::http) async fn roles(
    State(node): Here,
    backend: Backend,
) -> Result<Json<Vec<Role>>, Problem> {
    permit(&node, &backend, Monitor)?;
    let table = node.setup.config.auth.roles.iter();
    let roles = table.map(|(role, permissions)| Role {
        role: role.clone(),
        permissions: permissions.clone(),
    });
    Ok(Json(roles.collect()))
}

/// `GET /api/v1/config`: every key, without secrets.
pub(in crate::http) async fn config(
    State(node): Here,
    backend: Backend,
) -> Result<Json<Settings>, Problem> {
    permit(&node, &backend, Monitor)?;
    let setup = &node.setup;
    let profile = match (setup.profile.dev, setup.profile.conformance) {
        (_, true) => "conformance",
        (true, false) => "dev",
        (false, false) => "normal",
    };
    let file = setup.sources.file.as_deref().map(Path::display);
    let keys = shown(&setup.config).into_iter();
    Ok(Json(Settings {
        profile,
        file: file.map(|file| file.to_string()),
        keys: keys.map(|shown| key(&node, shown)).collect(),
    }))
}

fn key(node: &Node, shown: Shown) -> Key {
    let (from, source) = match node.setup.sources.of(&shown.key) {
        None => ("default", None),
        Some(Source::Environment(name)) => ("environment", Some(name.clone())),
        Some(Source::File) => ("file", None),
        Some(Source::Flag) => ("flag", None),
    };
    let mut value = shown.text.as_deref().map_or(Value::Null, json);
    if let (true, Value::String(url)) = (shown.key.ends_with("url"), &value) {
        value = Value::String(bare(url, shown.key.starts_with("webhooks")));
    }
    let about: Vec<_> = shown.doc.iter().map(|line| line.trim()).collect();
    Key {
        value,
        secret: shown.secret,
        set: shown.set,
        from,
        source,
        about: about.join(" "),
        key: shown.key,
    }
}

/// A value that was written as TOML.
fn json(text: &str) -> Value {
    let table: Option<toml::Table> = toml::from_str(&format!("value = {text}")).ok();
    let value = table.and_then(|mut table| table.remove("value"));
    value
        .and_then(|value| serde_json::to_value(value).ok())
        .unwrap_or(Value::Null)
}

/// An address without what may be secret in it: user, password and query; of a webhook also the
/// path, by which some services know who may post.
fn bare(url: &str, without_path: bool) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = url.get(..end).unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::new();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let path = if without_path && path.len() > 1 {
        "/…"
    } else {
        path
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (url, without_path, expected) in [
            (
                "https://a.example/keys?x=1#y",
                false,
                "https://a.example/keys",
            ),
            ("https://u:p@a.example:8/k", false, "https://a.example:8/k"),
            ("https://a.example/T0/secret", true, "https://a.example/…"),
            ("https://a.example/", true, "https://a.example/"),
            ("nonsense", false, ""),
        ] {
            assert_eq!(bare(url, without_path), expected);
        }
    }
}
