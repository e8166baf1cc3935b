//! Replies, pushes and publications to JSON text. All times are RFC 3339.

use conclave_protocol::{
    Balance, Body, ContractEvent, FrameKind, Publication, Push, Refusal, Reply, Timestamp,
    Transaction, UserId, WalletEvent, WalletReply, Welcome,
};

use super::{BALANCE, CONTRACT, TRANSACTIONS};
use crate::conversation::Written;

pub(super) fn reply(reply: &Reply<'_>, at: Timestamp, out: &mut Vec<u8>) -> Option<FrameKind> {
    match reply {
        Reply::Pong => Some(
            Written::new(out, "pong")
                .member("timestamp", at.rfc3339())
                .end(),
        ),
        Reply::Renewed => Some(Written::new(out, "auth_success").end()),
        Reply::Wallet { command, answer } => Some(answered(command, answer, out)),
        Reply::Refused {
            refusal,
            message,
            command,
            topic: _,
        } => Some(error((*refusal, message), command, at, out)),
        Reply::RoomRefused {
            tag: _,
            command,
            refusal,
            message,
        } => Some(error((*refusal, message), command, at, out)),
        // Of other surfaces.
        Reply::Done { .. } | Reply::Presence { .. } | Reply::Room { .. } => None,
    }
}

pub(super) fn push(push: &Push<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
    match push {
        Push::Error {
            refusal,
            message,
            at,
        } => Some(error((*refusal, message), "", *at, out)),
        Push::Welcome(welcome) => Some(connected(welcome, out)),
        Push::WalletAddresses { command, answer } => Some(answered(command, answer, out)),
        Push::WalletEnded { subscription } => Some(ended(*subscription, out)),
        // Of other surfaces.
        Push::Gap { .. }
        | Push::OfflineEnd { .. }
        | Push::Opened { .. }
        | Push::Resync { .. }
        | Push::SubscriptionEnded { .. }
        | Push::Unfollowed { .. } => None,
    }
}

pub(super) fn publication(publication: &Publication, out: &mut Vec<u8>) -> Option<FrameKind> {
    let at = publication.at;
    match &publication.body {
        Body::Wallet(event) => Some(match &**event {
            WalletEvent::Balance(balance) => balance_update(balance, at, out),
            WalletEvent::Contract(event) => contract_event(event, at, out),
            WalletEvent::Status(status) => Written::new(out, "feed_status")
                .member("status", status.as_str())
                .member("timestamp", at.rfc3339())
                .end(),
            WalletEvent::Transaction(told) => transaction(told, at, out),
        }),
        // Of other surfaces.
        Body::Broadcast { .. } | Body::Event(_) | Body::Topic(_) => None,
    }
}

/// `{"type":"connected","message":"Secure Web3 WebSocket connected","user":NAME,
/// "permissions":[…],"timestamp":T}`.
fn connected(welcome: &Welcome<'_>, out: &mut Vec<u8>) -> FrameKind {
    let principal = welcome.principal;
    let user = principal.user.as_ref().map(UserId::as_str);
    let permissions: Vec<&str> = principal.grants.iter().collect();
    Written::new(out, "connected")
        .member("message", "Secure Web3 WebSocket connected")
        .member("user", principal.name.as_deref().or(user))
        .member("permissions", permissions)
        .member("timestamp", welcome.at.rfc3339())
        .end()
}

/// `{"type":"balance_subscription","subscription":"1","status":"active","message":"…",
/// "addresses":["0x…"]}`, and likewise for the others.
fn answered(command: &str, answer: &WalletReply, out: &mut Vec<u8>) -> FrameKind {
    let (kind, message) = match command {
        BALANCE => ("balance_subscription", "Balance monitoring enabled"),
        TRANSACTIONS => ("transaction_subscription", "Transaction monitoring enabled"),
        CONTRACT => ("contract_subscription", "Contract monitoring enabled"),
        _ => return ended(answer.subscription, out),
    };
    let addresses: Vec<String> = answer.addresses.iter().map(ToString::to_string).collect();
    Written::new(out, kind)
        .member("subscription", answer.subscription.to_string())
        .member("status", "active")
        .member("message", message)
        .member("addresses", addresses)
        .end()
}

/// `{"type":"unsubscribed","subscription":"1"}`.
fn ended(subscription: u64, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "unsubscribed")
        .member("subscription", subscription.to_string())
        .end()
}

/// `{"type":"error","code":CODE,"message":"…","in_reply_to":TYPE,"timestamp":T}`, `null` where it
/// answers no frame, or one without a type.
fn error(
    (refusal, message): (Refusal, &str),
    command: &str,
    at: Timestamp,
    out: &mut Vec<u8>,
) -> FrameKind {
    let message = match (refusal, command) {
        (Refusal::Forbidden, BALANCE) if message == NO_READ => NO_BALANCE,
        _ => message,
    };
    Written::new(out, "error")
        .member("code", refusal.code())
        .member("message", message)
        .member("in_reply_to", Some(command).filter(|word| !word.is_empty()))
        .member("timestamp", at.rfc3339())
        .end()
}

/// `{"type":"balance_update","address":"0x…","native":{"wei":"…","ether":"…"},"tokens":[…],
/// "block_number":N,"block_hash":"0x…","timestamp":T}`.
fn balance_update(balance: &Balance, at: Timestamp, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "balance_update")
        .member("address", balance.address.to_string())
        .object("native", |native| {
            native
                .member("wei", balance.native.to_string())
                .member("ether", balance.native.scaled(ETHER_DECIMALS))
        })
        .objects("tokens", &balance.tokens, |object, token| {
            object
                .member("address", token.token.to_string())
                .member("symbol", &*token.symbol)
                .member("decimals", token.decimals)
                .member("raw", token.raw.to_string())
                .member("amount", token.raw.scaled(token.decimals))
        })
        .member("block_number", balance.block)
        .member("block_hash", balance.block_hash.to_string())
        .member("timestamp", at.rfc3339())
        .end()
}

/// `{"type":"transaction","transaction":{…},"timestamp":T}`; `to` is `null` where a contract is
/// made, `block_number` and `gas_used` where there are none yet.
fn transaction(told: &Transaction, at: Timestamp, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "transaction")
        .object("transaction", |object| {
            object
                .member("hash", told.hash.to_string())
                .member("from", told.from.to_string())
                .member("to", told.to.map(|to| to.to_string()))
                .member("value", told.value.to_string())
                .member("status", told.status.as_str())
                .member("block_number", told.block)
                .member("confirmations", told.confirmations)
                .member("gas_used", told.gas_used)
        })
        .member("timestamp", at.rfc3339())
        .end()
}

/// `{"type":"contract_event","address":"0x…","event":NAME,"args":{…},"transaction_hash":"0x…",
/// "log_index":N,"block_number":N,"removed":false,"timestamp":T}`.
fn contract_event(event: &ContractEvent, at: Timestamp, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "contract_event")
        .member("address", event.address.to_string())
        .member("event", &*event.event)
        .raw("args", &event.args)
        .member("transaction_hash", event.transaction.to_string())
        .member("log_index", event.log_index)
        .member("block_number", event.block)
        .member("removed", event.removed)
        .member("timestamp", at.rfc3339())
        .end()
}

const ETHER_DECIMALS: u8 = 18;
/// As the core says it, and as conversation.md does.
const NO_READ: &str = "Permission denied: wallet.read required";
const NO_BALANCE: &str = "Permission denied: wallet.read required for balance monitoring";
