//! The router over a node with a store of its own, asked without sockets.

mod account;
mod backend;
mod console;
mod embedded;
mod figures;
mod guard;
mod limits;
mod repeat;
mod rooms;
mod server_api;
mod sessions;
mod sign_in;
mod sign_out;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use axum::http::{Method, Request, StatusCode};
use conclave_auth::{ApiKeyName, ApiKeys as _, IssuedKey, issue_key};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tower::ServiceExt as _;

use super::openapi::check;
use super::{metrics_router, router};
use crate::config::{Flags, Launch, Profile, Setup, load};
use crate::handshake::Peer;
use crate::identity::SystemRandom;
use crate::node::Node;
use crate::start::{Started, start};
use crate::worker::Control;

/// A node in dev mode and its router.
pub(in crate::http) struct Site {
    started: Started,
    router: Router,
    controls: Vec<UnboundedReceiver<Control>>,
    peer: Peer,
    dir: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(in crate::http) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

/// A request under construction.
pub(in crate::http) struct Ask<'a> {
    site: &'a Site,
    request: axum::http::request::Builder,
    body: String,
}

impl Site {
    /// In dev mode, with these variables set.
    async fn with(environment: &[(&str, &str)]) -> Self {
        Self::of(DEV, environment).await
    }

    pub(in crate::http) async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn of(profile: Profile, environment: &[(&str, &str)]) -> Self {
        let (dir, setup) = setup(profile, environment);
        let (started, controls) = start(setup, 1).await.expect("a start");
        let router = router(&started.node);
        let peer = Peer {
            address: IpAddr::from([127, 0, 0, 1]),
            encrypted: false,
        };
        Self {
            started,
            router,
            controls,
            peer,
            dir,
        }
    }

    /// As seen from another address.
    fn from(mut self, address: [u8; 4], encrypted: bool) -> Self {
        self.peer = Peer {
            address: IpAddr::from(address),
            encrypted,
        };
        self
    }

    fn node(&self) -> &Arc<Node> {
        &self.started.node
    }

    fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .extension(self.peer);
        Ask {
            site: self,
            request,
            body: String::new(),
        }
    }

    pub(in crate::http) fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    fn post(&self, path: &str) -> Ask<'_> {
        self.ask(Method::POST, path)
    }

    async fn sign_in(&self, name: &str) -> Value {
        let answer = self
            .post("/auth/token")
            .json(&json!({ "username": name, "password": "password" }))
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    async fn token(&self, name: &str) -> String {
        text(&self.sign_in(name).await, "token")
    }

    /// A token for a named session.
    async fn session_token(&self, name: &str, session: &str) -> String {
        let wish = json!({ "username": name, "password": "password", "session_id": session });
        let answer = self.post("/auth/token").json(&wish).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        text(&answer.json(), "token")
    }

    /// An API key with these permissions, for an hour.
    async fn key(&self, name: &str, permissions: &[&str]) -> IssuedKey {
        let name = ApiKeyName::new(name).expect("a name");
        let permissions = permissions.iter().map(|&text| text.to_owned()).collect();
        let now = self.node().clock.now();
        let end = now.plus(std::time::Duration::from_secs(3600));
        let issued = issue_key(name, permissions, Some(end), now, &SystemRandom);
        let store = &self.started.store;
        let added = store.add_key(&issued.key, issued.hash).await;
        added.expect("a new key");
        issued
    }

    /// Lines of the audit with this event.
    fn audited(&self, event: &str) -> Vec<Value> {
        self.node().audit.flush().expect("a durable audit");
        let path = self.node().setup.config.audit_file();
        let text = std::fs::read_to_string(path).expect("an audit");
        assert!(self.dir.path().exists());
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        lines
            .filter(|line: &Value| line["event"] == event)
            .collect()
    }

    /// Whether the worker was asked to look at its connections since the last call.
    fn reviewed(&mut self) -> bool {
        let mut reviewed = false;
        while let Ok(control) = self.controls[0].try_recv() {
            reviewed |= matches!(control, Control::Review);
        }
        reviewed
    }
}

impl Ask<'_> {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    fn json(self, body: &Value) -> Self {
        self.raw("application/json", &body.to_string())
    }

    fn form(self, body: &str) -> Self {
        self.raw("application/x-www-form-urlencoded", body)
    }

    fn raw(mut self, content_type: &str, body: &str) -> Self {
        self.body = body.to_owned();
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Asks, and holds the answer against the API document.
    pub(in crate::http) async fn send(self) -> Answer {
        let router = self.site.router.clone();
        let method = self.request.method_ref().cloned().unwrap_or_default();
        let target = self.request.uri_ref().map(ToString::to_string);
        let answer = self.send_to(router).await;
        let media_type = answer.header("content-type").unwrap_or_default();
        let target = target.unwrap_or_default();
        check(
            &method,
            &target,
            answer.status.as_u16(),
            media_type,
            &answer.text,
        );
        answer
    }

    async fn send_to(self, router: Router) -> Answer {
        let request = self.request.body(Body::from(self.body)).expect("a request");
        let response = router.oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

impl Answer {
    pub(in crate::http) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(in crate::http) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }

    /// Asserts that this is a problem of that status, and gives its detail.
    #[track_caller]
    fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code, "{}", self.text);
        assert_eq!(self.header("www-authenticate").is_some(), status == 401);
        text(&problem, "detail")
    }

    /// The cookie line that sets this name.
    fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter();
        let mut lines = lines.map(|line| line.to_str().expect("text").to_owned());
        lines.find(|line| line.starts_with(&format!("{name}=")))
    }
}

/// A configuration with a data folder of its own.
fn setup(profile: Profile, environment: &[(&str, &str)]) -> (TempDir, Setup) {
    let dir = tempfile::tempdir().expect("a folder");
    let flags = Flags {
        data_dir: Some(dir.path().join("data")),
        ..Flags::default()
    };
    let launch = Launch {
        config_file: None,
        profile,
        flags,
    };
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    (
        dir,
        load(&launch, environment).expect("a sound configuration"),
    )
}

const DEV: Profile = Profile {
    dev: true,
    conformance: false,
};

fn text(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {value}"))
        .to_owned()
}

/// The claims of a token.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).expect("three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(part)
        .expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
