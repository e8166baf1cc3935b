//! `[server]`: where it listens and how it starts and stops.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::section::section;

section! {
    /// `[server]`.
    pub struct Server {
        /// Addresses to listen on. In dev mode the default is ports 8081, 8000 and 8080 of
        /// 127.0.0.1 and `::1`, and others than loopback are refused.
        pub listen: Vec<SocketAddr> = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8081))],
        /// The folder of everything the server keeps; made with mode 0700 where missing. Paths
        /// are relative to the folder the server is started in.
        pub data_dir: PathBuf = PathBuf::from("./conclave-data"),
        /// Worker threads; 0 is one per core.
        pub workers: u16 = 0,
        /// Proxies whose `X-Forwarded-For` or `Forwarded` is believed.
        pub trusted_proxies: Vec<IpNet> = Vec::new(),
        /// Seconds from the first SIGTERM to the exit; a second signal exits at once.
        pub drain_seconds: u32 = 10,
        /// Seconds within which TLS, request head and WebSocket handshake must be done; 1 to 300.
        pub handshake_seconds: u32 = 5,
        /// Encryption; off while no certificate is named. Both files are read again on SIGHUP.
        pub tls: Tls = Tls::default(),
    }
}

section! {
    /// `[server.tls]`.
    pub struct Tls {
        /// Certificate chain, PEM, the server's own first.
        pub cert: Option<PathBuf> = None,
        /// Private key of the certificate, PEM.
        pub key: Option<PathBuf> = None,
        /// Addresses that speak TLS, beside those of `server.listen`, which then stay plain;
        /// empty: all of `server.listen` speak TLS.
        pub listen: Vec<SocketAddr> = Vec::new(),
    }
}
