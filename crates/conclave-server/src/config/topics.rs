//! `[topics]`: the surface at `/ws`.

use super::section::section;

section! {
    /// `[topics]`.
    pub struct Topics {
        /// Whether the surface is served.
        pub enabled: bool = true,
        /// Its path.
        pub path: String = "/ws".to_owned(),
        /// Whether connections without a token are accepted as pub/sub clients. Dev mode sets it.
        pub anonymous: bool = false,
        /// Whether JSON frames are broadcast.
        pub broadcast: bool = true,
        /// Publications kept of each topic, for `recover`; 0 keeps none. With `bus.url` they are
        /// kept in Redis for all nodes, which need the same three settings; publications then go
        /// through Redis before anybody hears them.
        pub history_messages: u32 = 0,
        /// Seconds a publication is kept; in Redis, after the last one of its topic.
        pub history_seconds: u32 = 300,
        /// Topics of the server that keep publications; those beyond keep none. With `bus.url`,
        /// of each node.
        pub history_topics: u32 = 10_000,
    }
}
