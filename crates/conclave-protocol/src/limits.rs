//! The bounds of everything that clients can grow (identity.md, "Limits"). 0 means none.

/// Bounds that the connection path, the core and the dialects obey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections of one user over all surfaces.
    pub connections_per_user: u32,
    /// Open connections of one client address.
    pub connections_per_address: u32,
    /// Bytes of one whole message, after inflating.
    pub message_bytes: usize,
    /// Messages per second of one connection.
    pub messages_per_second: u32,
    /// Messages that may come at once after a pause.
    pub messages_burst: u32,
    /// Subscriptions of one connection.
    pub subscriptions_per_connection: u32,
    /// Frames of one message.
    pub fragments_per_message: u32,
    /// Bytes queued for one connection before it counts as slow.
    pub outbox_bytes: usize,
    /// Bytes queued for one worker before publishers wait.
    pub inbox_bytes: usize,
    /// Topics that keep history, over the whole node.
    pub history_topics: usize,
    /// Publications kept for one topic that keeps history.
    pub history_messages: usize,
    /// Seconds a publication is kept in history.
    pub history_seconds: u32,
    /// Entries in the answer to "who hears this topic".
    pub presence_entries: usize,
    /// Characters of a message's content.
    pub content_chars: u32,
    /// Rooms one user is a member of.
    pub rooms_per_user: u32,
    /// Members of one room.
    pub members_per_room: u32,
    /// Messages per second of one user over all rooms and connections.
    pub user_messages_per_second: u32,
    /// Messages per second of one room.
    pub room_messages_per_second: u32,
    /// Seconds after which a message can no longer be edited by its author.
    pub edit_seconds: u32,
    /// Events replayed at once to one connection (conversation.md: 1,000).
    pub replay_events: u32,
    /// Messages pushed to a Socket.IO client that was away (socketio.md: 500).
    pub offline_messages: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_per_user: 10,
            connections_per_address: 100,
            message_bytes: 64 * 1024,
            messages_per_second: 50,
            messages_burst: 100,
            subscriptions_per_connection: 128,
            fragments_per_message: 1024,
            outbox_bytes: 1024 * 1024,
            inbox_bytes: 8 * 1024 * 1024,
            history_topics: 10_000,
            history_messages: 0,
            history_seconds: 300,
            presence_entries: 1000,
            content_chars: 2000,
            rooms_per_user: 1000,
            members_per_room: 10_000,
            user_messages_per_second: 20,
            room_messages_per_second: 200,
            edit_seconds: 0,
            replay_events: 1000,
            offline_messages: 500,
        }
    }
}
