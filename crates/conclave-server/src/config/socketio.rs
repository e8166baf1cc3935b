//! `[socketio]`: the Socket.IO gateway.

use super::section::{choice, section};

section! {
    /// `[socketio]`.
    pub struct SocketIo {
        /// Whether the surface is served.
        pub enabled: bool = true,
        /// Its path, as `socket.io-client` calls it.
        pub path: String = "/socket.io/".to_owned(),
        /// Whether HTTP long-polling is served too.
        pub polling: bool = false,
        /// How a token that is not believed is answered: `refuse` by `CONNECT_ERROR`, `event` by an
        /// `error` event behind an answered CONNECT, for clients written for that.
        pub auth_failure: AuthFailure = AuthFailure::Refuse,
    }
}

choice! {
    /// How a token that is not believed is answered.
    pub enum AuthFailure {
        /// By an `error` event and DISCONNECT, after an answered CONNECT.
        Event = "event",
        /// By `CONNECT_ERROR`.
        Refuse = "refuse",
    }
}
