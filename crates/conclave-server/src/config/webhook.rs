//! `[[webhooks]]`: who is told what happens here.

use std::path::PathBuf;

use super::Secret;
use super::section::{choice, section};

section! {
    /// One of `[[webhooks]]`.
    pub struct Webhook {
        /// What logs, metrics and the audit call it, and what its place in the stream of events
        /// is kept under; no two alike. Unset: the URL up to `?`.
        pub name: Option<String> = None,
        /// Where events are posted; https, unless `allow_private`. Required.
        pub url: String = String::new(),
        /// What is posted; at least one.
        pub events: Vec<WebhookEvent> = Vec::new(),
        /// What posts are signed with, at least 32 bytes. Better in `secret_file` or in
        /// `CONCLAVE_WEBHOOKS__0__SECRET`. This or `secret_file` is required.
        pub secret: Option<Secret> = None,
        /// A file that holds the secret; a newline at its end does not count.
        pub secret_file: Option<PathBuf> = None,
        /// Whether the URL may lead to private, loopback and link-local addresses, and be http.
        pub allow_private: bool = false,
        /// Seconds that one post may take, the answer included; 1 to 60.
        pub timeout_seconds: u32 = 10,
        /// Events in one post at most; 1 to 1,000.
        pub batch: u32 = 100,
    }
}

choice! {
    /// What is told.
    pub enum WebhookEvent {
        /// A connection opened; one that says later who it is, then.
        Connect = "connect",
        /// A connection ended.
        Disconnect = "disconnect",
        /// A room was created, changed or deleted; a member came, left or got another role.
        Membership = "membership",
        /// A message was stored, edited or deleted.
        Message = "message",
        /// A message was stored while one of its recipients was away.
        MessageOffline = "message_offline",
    }
}

impl Webhook {
    /// What logs, metrics and the audit call it; never the part of the URL that may hold a
    /// secret.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None => self.url.split(['?', '#']).next().unwrap_or_default(),
        }
    }

    /// Whether it is told this.
    #[must_use]
    pub fn wants(&self, event: WebhookEvent) -> bool {
        self.events.contains(&event)
    }
}
