//! `[bus]`: the way to other nodes.

use super::Secret;
use super::section::{choice, section};

section! {
    /// `[bus]`.
    pub struct Bus {
        /// Where the Redis or Valkey is that carries what nodes say to each other:
        /// `redis://user:password@host:6379`, `rediss://` for TLS, `redis+unix:///path`. Where
        /// sentinels watch it, `redis+sentinel://user:password@host:26379,host:26379/mymaster`,
        /// with the number of the database behind another `/`, and with
        /// `?sentinel_user=…&sentinel_password=…` where they ask for them. A cluster, of version 7
        /// at least, by some of its nodes: `redis+cluster://user:password@host:6379,host:6379`;
        /// one shard away counts as all of it. Both with `rediss+` for TLS. Better in
        /// `CONCLAVE_BUS__URL`. All nodes need the same store. Unset: this node is alone.
        pub url: Option<Secret> = None,
        /// What all names in Redis begin with; the same on all nodes of a system and on no other:
        /// 1 to 64 letters, digits, `-` and `_`.
        pub prefix: String = "conclave".to_owned(),
        /// While the bus is away, another node may have revoked what a client shows. `grace` goes
        /// on for 60 s with what is known and then refuses new handshakes, `strict` refuses them
        /// at once. Open connections stay.
        pub revocations: BusRevocations = BusRevocations::Grace,
        /// Whether a token counts no more once a service of the application has put it on the
        /// blacklist in this Redis: `SET PREFIX:blacklist:token:HASH 1 EX SECONDS`, where HASH is
        /// SHA-256 over the whole token in 64 lower-case hexadecimal digits and SECONDS what is
        /// left of its life. Asked at each handshake, renewal and HTTP request that shows a token:
        /// one round trip, half a second at most; connections that are open stay. While it cannot
        /// be read, `revocations` says what is done. A node writes there by itself, whatever this
        /// says, when a token is shown to `/auth/logout` or `/auth/revoke`, for services to look.
        pub blacklist: bool = false,
    }
}

choice! {
    /// What is done about revocations that may have been missed.
    pub enum BusRevocations {
        /// New clients are admitted for 60 s.
        Grace = "grace",
        /// None is admitted.
        Strict = "strict",
    }
}
