//! `[limits]`: bounds of everything that clients can grow (identity.md, "Limits").

use super::section::section;

section! {
    /// `[limits]`; 0 means none.
    pub struct Limits {
        /// Open connections of the whole server.
        pub connections: u32 = 100_000,
        /// Open connections of one user over all surfaces.
        pub connections_per_user: u32 = 10,
        /// Open connections of one client address; none for loopback peers in dev mode.
        pub connections_per_address: u32 = 100,
        /// Bytes of one message, after inflating.
        pub message_bytes: u32 = 65_536,
        /// Messages per second of one connection.
        pub messages_per_second: u32 = 50,
        /// Messages of one connection that may come at once after a pause.
        pub messages_burst: u32 = 100,
        /// Subscriptions of one connection.
        pub subscriptions_per_connection: u32 = 128,
        /// Fragments of one message, empty ones counted.
        pub fragments_per_message: u32 = 1024,
        /// Bytes of one request head.
        pub head_bytes: u32 = 16_384,
        /// Lines of one request head.
        pub head_lines: u32 = 100,
        /// Failed sign-ins per minute of one user from one address, and of one address.
        pub sign_in_failures_per_minute: u32 = 10,
        /// Refused handshakes per minute of one address.
        pub refused_handshakes_per_minute: u32 = 30,
        /// Connections per second that are admitted; five times as many may come at once. The rest is
        /// answered 503, with a `Retry-After` that spreads them.
        pub handshakes_per_second: u32 = 2000,
        /// Requests per second of one user to refresh, ticket and REST.
        pub requests_per_second: u32 = 20,
        /// Named sessions that one user owns.
        pub sessions_per_user: u32 = 100,
        /// Bytes queued for one connection, beyond which its reader is slow and is closed.
        pub outbox_bytes: u32 = 1_048_576,
        /// Bytes queued for one worker, beyond which publishers wait.
        pub inbox_bytes: u32 = 8_388_608,
        /// Seconds between pings of one connection.
        pub ping_seconds: u32 = 25,
        /// Seconds of silence after which a connection is closed.
        pub silence_seconds: u32 = 60,
        /// Clients in the answer to `presence:TOPIC`.
        pub presence_entries: u32 = 1000,
        /// Characters of a message's content in a room.
        pub content_chars: u32 = 2000,
        /// Rooms one user is a member of.
        pub rooms_per_user: u32 = 1000,
        /// Members of one room.
        pub members_per_room: u32 = 10_000,
        /// Messages per second of one user over all rooms and connections; five times as many may
        /// come at once.
        pub user_messages_per_second: u32 = 20,
        /// Messages per second of one room; five times as many may come at once.
        pub room_messages_per_second: u32 = 200,
        /// Seconds after which its author can no longer edit a message.
        pub edit_seconds: u32 = 0,
        /// Events of a room replayed at once to one connection; the rest is read by REST.
        pub replay_events: u32 = 1000,
        /// Unreceived messages pushed to a Socket.IO client that connects.
        pub offline_messages: u32 = 500,
    }
}

impl Limits {
    /// The bounds that Autobahn's cases need, for the `/echo` of a `--conformance` server.
    #[must_use]
    pub(crate) fn conformance() -> Self {
        Self {
            connections_per_user: 0,
            connections_per_address: 0,
            message_bytes: 64 * 1024 * 1024,
            messages_per_second: 0,
            messages_burst: 0,
            fragments_per_message: 0,
            refused_handshakes_per_minute: 0,
            handshakes_per_second: 0,
            outbox_bytes: 256 * 1024 * 1024,
            inbox_bytes: 256 * 1024 * 1024,
            ..Self::default()
        }
    }
}
