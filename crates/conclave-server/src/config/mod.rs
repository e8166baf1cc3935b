//! The configuration: what can be set, where it is read from, and what is refused.
//!
//! Sources, each over the one before: defaults (of the profile), the TOML file, the environment,
//! flags. Every key is defined once, by its field's doc comment and default in the file of its
//! section; the manual, the default file and the unknown-key hints are made from that.
//!
//! Reading order: `source` (from sources to a [`Setup`]), `rules`, `issuer_rules`,
//! `assistant_rules`, `wallet_rules` and `webhook_rules` (what is refused and what is warned of), the sections, `section`, `value` and `scalar` (the machinery),
//! `manual`, `files` and `keyfile`.

mod assistant;
mod assistant_rules;
mod audit;
mod auth;
mod bus;
mod conversation;
mod dialects;
mod fault;
mod files;
mod issuer;
mod issuer_rules;
mod keyfile;
mod limits;
mod log;
mod manual;
mod metrics;
mod nearest;
mod pages;
mod rules;
mod scalar;
mod secret;
mod section;
mod server;
mod service;
mod shown;
mod socketio;
mod source;
mod store;
mod store_rules;
#[cfg(test)]
mod tests;
mod topics;
mod value;
mod wallet;
mod wallet_rules;
mod webhook;
mod webhook_rules;

use std::path::PathBuf;

pub use assistant::{Assistant, Busy, Vocabulary};
pub use audit::Audit;
pub use auth::{Auth, Reject};
pub use bus::{Bus, BusRevocations};
pub use conversation::Conversation;
pub use dialects::{Dialect, Dialects};
pub use fault::{Fault, Faults};
pub(crate) use files::webhook_secret;
pub use issuer::{Claims, Issuer, Preset};
pub use keyfile::{Random, kept_secret, make_data_dir, own_secret, secret_in, stored_secret};
pub use limits::Limits;
pub use log::{Log, LogFormat, LogLevel};
pub use manual::{default_file, manual};
pub use metrics::Metrics;
pub use pages::Pages;
pub use secret::Secret;
use section::section;
pub use server::{Server, Tls};
pub use service::Service;
pub(crate) use shown::{Shown, Source, shown};
pub use socketio::{AuthFailure, SocketIo};
pub use source::{Flags, Launch, Profile, Setup, load, read};
pub use store::Store;
pub use topics::Topics;
pub use wallet::Wallet;
pub use webhook::{Webhook, WebhookEvent};

section! {
    /// Every key, by section.
    pub struct Config {
        /// Where the server listens, where it keeps its data, how it starts and stops.
        pub server: Server = Server::default(),
        /// The own key, tokens, roles, and which pages and issuers may take part.
        pub auth: Auth = Auth::default(),
        /// Bounds of everything that clients can grow; 0 means no limit.
        pub limits: Limits = Limits::default(),
        /// Topics of sessions, and the broadcast, at `/ws`.
        pub topics: Topics = Topics::default(),
        /// Users' feeds and conversations, below `/ws`.
        pub conversation: Conversation = Conversation::default(),
        /// Requests and replies as `/asyncapi/service.yaml` describes them, at `/chat`.
        pub service: Service = Service::default(),
        /// Socket.IO, at `/socket.io/`.
        pub socketio: SocketIo = SocketIo::default(),
        /// Answers of a language model in rooms; see `docs/assistant.md`.
        pub assistant: Assistant = Assistant::default(),
        /// Wallets on an Ethereum chain, below `/api/v1/web3`.
        pub wallet: Wallet = Wallet::default(),
        /// What surfaces ask of a handshake.
        pub dialects: Dialects = Dialects::default(),
        /// The chain of security events, one JSON line each.
        pub audit: Audit = Audit::default(),
        /// What goes to stderr.
        pub log: Log = Log::default(),
        /// Where Prometheus asks.
        pub metrics: Metrics = Metrics::default(),
        /// The chat, the console and the lab, which the program holds.
        pub pages: Pages = Pages::default(),
        /// Durable state: users, named sessions, refresh tokens, revocations.
        pub store: Store = Store::default(),
        /// Other nodes of the same system.
        pub bus: Bus = Bus::default(),
        /// Who is told what happens here; see `docs/webhooks.md`.
        pub webhooks: Vec<Webhook> = Vec::new(),
    }
}

impl Config {
    /// The file of the audit chain.
    #[must_use]
    pub fn audit_file(&self) -> PathBuf {
        self.audit
            .file
            .clone()
            .unwrap_or_else(|| self.server.data_dir.join("audit.log"))
    }

    /// The file of the audit chain's key.
    #[must_use]
    pub fn audit_key_file(&self) -> PathBuf {
        self.audit
            .key_file
            .clone()
            .unwrap_or_else(|| self.server.data_dir.join("audit.key"))
    }

    /// The database file.
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        self.store
            .path
            .clone()
            .unwrap_or_else(|| self.server.data_dir.join(crate::stored::Stored::FILE))
    }

    /// The bounds in the words of the connection path, the core and the dialects.
    #[must_use]
    pub fn bounds(&self) -> conclave_protocol::Limits {
        let limits = &self.limits;
        conclave_protocol::Limits {
            connections_per_user: limits.connections_per_user,
            connections_per_address: limits.connections_per_address,
            message_bytes: size(limits.message_bytes),
            messages_per_second: limits.messages_per_second,
            messages_burst: limits.messages_burst,
            subscriptions_per_connection: limits.subscriptions_per_connection,
            fragments_per_message: limits.fragments_per_message,
            outbox_bytes: size(limits.outbox_bytes),
            inbox_bytes: size(limits.inbox_bytes),
            history_topics: size(self.topics.history_topics),
            history_messages: size(self.topics.history_messages),
            history_seconds: self.topics.history_seconds,
            presence_entries: size(limits.presence_entries),
            content_chars: limits.content_chars,
            rooms_per_user: limits.rooms_per_user,
            members_per_room: limits.members_per_room,
            user_messages_per_second: limits.user_messages_per_second,
            room_messages_per_second: limits.room_messages_per_second,
            edit_seconds: limits.edit_seconds,
            replay_events: limits.replay_events,
            offline_messages: limits.offline_messages,
        }
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
