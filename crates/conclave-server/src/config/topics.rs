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
        /// Publications kept of each topic, for `recover`; 0 keeps none.
        pub history_messages: u32 = 0,
        /// Seconds a publication is kept.
        pub history_seconds: u32 = 300,
        /// Topics of the server that keep publications; those beyond keep none.
        pub history_topics: u32 = 10_000,
    }
}
