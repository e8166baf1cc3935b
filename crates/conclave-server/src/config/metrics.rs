//! `[metrics]`: where Prometheus asks.

use std::net::SocketAddr;

use super::section::section;

section! {
    /// `[metrics]`.
    pub struct Metrics {
        /// An address of its own for `/metrics`, open to whoever reaches it. Unset: on every
        /// address of the server, for loopback peers and holders of `system.monitor`.
        pub listen: Option<SocketAddr> = None,
    }
}
