//! What Redis says unasked: messages, and confirmations of what was asked for.

use std::convert::Infallible;
use std::sync::Arc;

use conclave_core::Arrival;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, Value};
use tokio::sync::Notify;

use crate::Shared;
use crate::slots::text;
use crate::wire::{Said, WireError, is_recorded, notices_name, read, read_recorded, read_sender};

/// Takes what comes on a connection that is made with this; rings `ended` when it brings no more.
pub(crate) fn with_ears(
    config: AsyncConnectionConfig,
    shared: &Arc<Shared>,
    ended: &Arc<Notify>,
) -> AsyncConnectionConfig {
    let (shared, ended) = (Arc::clone(shared), Arc::clone(ended));
    config.set_push_sender(move |push: PushInfo| -> Result<(), Infallible> {
        take(&shared, &ended, push);
        Ok(())
    })
}

/// Called by the connection: must not wait.
fn take(shared: &Shared, ended: &Notify, push: PushInfo) {
    let PushInfo { kind, data } = push;
    let mut data = data.into_iter();
    let name = data.next();
    let name = name.as_ref().and_then(text);
    match (kind, name) {
        (PushKind::Disconnection, _) => ended.notify_one(),
        (PushKind::Subscribe | PushKind::SSubscribe, Some(name)) => {
            if let Some((channel, since)) = shared.interests.confirm(name) {
                shared.read_record(channel, since);
            }
        }
        // Unasked: the shard has given the name's slot away.
        (PushKind::SUnsubscribe, Some(name))
            if shared.interests.is_confirmed(name)
                || name == notices_name(&shared.options.prefix) =>
        {
            ended.notify_one();
        }
        (PushKind::Message | PushKind::SMessage, Some(name)) => {
            if let Some(Value::BulkString(message)) = data.next() {
                take_message(shared, name, &message);
            }
        }
        _ => {}
    }
}

fn take_message(shared: &Shared, name: &str, message: &[u8]) {
    if is_recorded(message) {
        return take_recorded(shared, name, message);
    }
    let arrival = match read_sender(message) {
        // What this node sends to others comes to itself too.
        Ok(node) if node == shared.node => return,
        Ok(_) => read(message),
        Err(error) => Err(error),
    };
    match arrival {
        Ok((_, Said::Lost)) => shared.intake.push_missed(),
        Ok((from, Said::Notice(notice))) => {
            let arrival = Arrival::Notice { from, notice };
            shared.intake.push(arrival, message.len());
        }
        Ok((from, Said::Publication { place, at, body })) => {
            // Withdrawn meanwhile, where it is not asked for.
            if let Some(channel) = shared.interests.channel(name) {
                let arrival = Arrival::Publication {
                    from,
                    channel,
                    place,
                    at,
                    body,
                };
                shared.intake.push(arrival, message.len());
            }
        }
        Err(error) => refuse(shared, error),
    }
}

/// Takes what has its place from Redis, of whichever node.
fn take_recorded(shared: &Shared, name: &str, message: &[u8]) {
    match read_recorded(message) {
        Ok(recorded) => {
            if let Some(channel) = shared.interests.channel(name) {
                let arrival = Arrival::Recorded { channel, recorded };
                shared.intake.push(arrival, message.len());
            }
        }
        Err(error) => refuse(shared, error),
    }
}

fn refuse(shared: &Shared, error: WireError) {
    tracing::debug!(%error, "a message on the bus cannot be read");
    shared.intake.refuse();
}
