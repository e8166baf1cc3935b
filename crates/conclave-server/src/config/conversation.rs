//! `[conversation]`: users' feeds and conversations.

use super::section::section;

section! {
    /// `[conversation]`.
    pub struct Conversation {
        /// Whether the surface is served.
        pub enabled: bool = true,
        /// The path that both are below: a feed is at `PATH/{user_id}`, a conversation at
        /// `PATH/conversation/{user_id}/{conversation_id}`.
        pub path: String = "/ws".to_owned(),
    }
}
