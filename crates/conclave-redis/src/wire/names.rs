//! What a channel is called in Redis.

use std::borrow::Cow;

use conclave_protocol::{Channel, SessionKind};

/// `PREFIX:` and a name that no two channels share: a letter for the kind, and the parts behind
/// their lengths where there are two.
pub(crate) fn channel_name(prefix: &str, channel: &Channel) -> String {
    match channel {
        Channel::Broadcast => format!("{prefix}:b"),
        Channel::System => format!("{prefix}:s"),
        Channel::Room(room) => format!("{prefix}:r:{room}"),
        Channel::User(user) => format!("{prefix}:u:{user}"),
        // Never asked for: it is each node's own.
        Channel::Watch(watch) => format!("{prefix}:w:{}", watch.0),
        Channel::Own { room, user } => format!("{prefix}:o:{room}:{user}"),
        Channel::Topic { session, name } => {
            let kind = match session.kind {
                SessionKind::Anonymous => 'a',
                SessionKind::Default => 'd',
                SessionKind::Named => 'n',
            };
            let (issuer, of) = (session.issuer.0, escaped(session.name.as_str()));
            let name = escaped(name.as_str());
            format!("{prefix}:{{t:{kind}{issuer}:{}:{of}:{name}}}", of.len())
        }
    }
}

/// Where notices go.
pub(crate) fn notices_name(prefix: &str) -> String {
    format!("{prefix}:n")
}

/// Where the newest place of a channel is, and where its newest messages are.
pub(crate) fn record_names(prefix: &str, channel: &Channel) -> [String; 2] {
    let name = channel_name(prefix, channel);
    let tag = name.strip_prefix(prefix).unwrap_or_default();
    ["topic", "kept"].map(|kind| format!("{prefix}:{kind}{tag}"))
}

/// Without braces.
fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['{', '}', '%']) {
        let text = text.replace('%', "%25").replace('{', "%7B");
        Cow::Owned(text.replace('}', "%7D"))
    } else {
        Cow::Borrowed(text)
    }
}
