//! `[dialects.…]`: what a surface asks of every handshake.

use super::section::section;

section! {
    /// `[dialects]`.
    pub struct Dialects {
        /// The `topics` dialect.
        pub topics: Dialect = Dialect::default(),
        /// The `conversation` dialect, feeds included.
        pub conversation: Dialect = Dialect::default(),
        /// The `service` dialect.
        pub service: Dialect = Dialect::default(),
        /// The `socketio` dialect.
        pub socketio: Dialect = Dialect::default(),
        /// The `wallet` dialect.
        pub wallet: Dialect = Dialect::default(),
    }
}

section! {
    /// One of `[dialects.…]`.
    pub struct Dialect {
        /// Permissions that a handshake and each renewal must have, all of them; who loses one is
        /// closed.
        pub require: Vec<String> = Vec::new(),
    }
}
