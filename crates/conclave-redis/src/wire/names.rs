//! What a channel is called in Redis.

use conclave_protocol::{Channel, SessionKind};

/// `PREFIX:` and a name that no two channels share: a letter for the kind, and the parts behind
/// their lengths where there are two.
pub(crate) fn channel_name(prefix: &str, channel: &Channel) -> String {
    match channel {
        Channel::Broadcast => format!("{prefix}:b"),
        Channel::System => format!("{prefix}:s"),
        Channel::Room(room) => format!("{prefix}:r:{room}"),
        Channel::User(user) => format!("{prefix}:u:{user}"),
        Channel::Own { room, user } => format!("{prefix}:o:{room}:{user}"),
        Channel::Topic { session, name } => {
            let kind = match session.kind {
                SessionKind::Anonymous => 'a',
                SessionKind::Default => 'd',
                SessionKind::Named => 'n',
            };
            let (issuer, of) = (session.issuer.0, session.name.as_str());
            format!("{prefix}:t:{kind}{issuer}:{}:{of}:{name}", of.len())
        }
    }
}

/// Where notices go.
pub(crate) fn notices_name(prefix: &str) -> String {
    format!("{prefix}:n")
}
