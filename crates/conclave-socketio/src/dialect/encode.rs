//! Replies, pushes and ends to packets.

use conclave_protocol::{
    CloseMeaning, DialectState, FrameKind, Heartbeat, OwnFrame, Push, Refusal, Reply, RoomReply,
    UserId,
};
use serde::Serialize;
use std::time::Duration;

use super::events::emit;
use super::wire::{
    CodeShape, ConnectErrorShape, ConnectedShape, CountShape, DoneShape, ErrorShape, FailedShape,
    MessageShape, PresenceShape, ReceiptShape, RemainingShape, ResyncShape,
};
use super::{HEARTBEAT, POLLING, Standing, codes, is_connected, memory};
use crate::Sid;
use crate::engine::{Open, Transport, begin_message};
use crate::packet::{AckId, Outgoing, encode_connect, encode_connect_error};

/// Appends the answer to an event: its acknowledgement where one was asked for, else nothing,
/// or an `error` event where it failed.
pub(super) fn reply(
    state: &DialectState,
    reply: &Reply<'_>,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    match reply {
        Reply::Room { tag, answer, .. } => answered(tag.ack, answer, out),
        Reply::RoomRefused {
            tag,
            refusal,
            message,
            ..
        } => refused(state, tag.ack, *refusal, message, out),
        Reply::Renewed => done(refresh(state), true, out),
        Reply::Refused {
            refusal,
            message,
            command,
            topic: _,
        } => {
            let ack = match *command {
                codes::REFRESH => refresh(state),
                _ => None,
            };
            refused(state, ack, *refusal, message, out)
        }
        // Of other surfaces.
        Reply::Done { .. } | Reply::Pong | Reply::Presence { .. } | Reply::Wallet { .. } => None,
    }
}

/// Appends what the server says first.
pub(super) fn push(state: &DialectState, push: &Push<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
    match push {
        Push::Error {
            refusal,
            message,
            at: _,
        } => refused(state, None, *refusal, message, out),
        Push::OfflineEnd { remaining } => {
            let remaining = *remaining;
            emit(out, "offline.end", &RemainingShape { remaining }, 0)
        }
        Push::Opened { sid, max_payload } => {
            if let Some(memory) = memory(state) {
                memory.sid.set(*sid);
            }
            opened(state, *sid, HEARTBEAT, *max_payload, out)
        }
        Push::Resync { room, from_seq } => {
            let data = ResyncShape {
                channel_id: room.as_str(),
                from_seq: *from_seq,
            };
            emit(out, "channel.resync", &data, 0)
        }
        Push::Welcome(welcome) => {
            if let Some(memory) = memory(state) {
                memory.standing.set(Standing::Absent);
            }
            connected(welcome.sid, welcome.secret, out)
        }
        // `channel.member_left` or `channel.deleted` has said it.
        Push::Unfollowed { .. } => None,
        // Of other surfaces.
        Push::Gap { .. }
        | Push::SubscriptionEnded { .. }
        | Push::WalletAddresses { .. }
        | Push::WalletEnded { .. } => None,
    }
}

/// `0{"sid":…,"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}`;
/// a `maxPayload` of 0 is none, also to clients.
pub(super) fn opened(
    state: &DialectState,
    sid: u128,
    heartbeat: Heartbeat,
    max_payload: usize,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    let open = Open {
        sid: Sid::new(sid),
        upgrade: (state.flags & POLLING != 0).then_some(Transport::Websocket),
        ping_interval: Duration::from_millis(heartbeat.every.into()),
        ping_timeout: Duration::from_millis(heartbeat.patience.into()),
        max_payload: u64::try_from(max_payload).unwrap_or(u64::MAX),
    };
    open.encode(out);
    Some(FrameKind::Text)
}

/// `44/random,{"message":"Invalid namespace"}`, as the reference says it.
pub(super) fn invalid_namespace(namespace: &str) -> Vec<OwnFrame> {
    let error = ConnectErrorShape {
        message: "Invalid namespace",
        data: None,
    };
    vec![packet(|out| {
        encode_connect_error(out, namespace, &error).ok()
    })]
}

/// `44{"message":"authentication failed: …","data":{"code":4001}}`.
pub(super) fn connect_error(meaning: CloseMeaning, message: &str) -> Vec<OwnFrame> {
    let error = ConnectErrorShape {
        message: &worded(meaning, message),
        data: Some(CodeShape {
            code: codes::disconnect(meaning).code,
        }),
    };
    vec![packet(|out| encode_connect_error(out, MAIN, &error).ok())]
}

/// The CONNECT is answered, `error {message, code}` follows, then DISCONNECT. The socket has the
/// session's name, which its client knows and nobody else hears.
pub(super) fn failed_connect(sid: u128, meaning: CloseMeaning, message: &str) -> Vec<OwnFrame> {
    let answer = text(|out| connected(sid, 0, out));
    [answer]
        .into_iter()
        .chain(ended(meaning, message))
        .collect()
}

/// Who has to sign in again hears so and is disconnected, which stock clients do not come back
/// from; others find the engine closed, and come back. Who broke the protocol or has gone
/// already hears nothing.
pub(super) fn farewell(connected: bool, meaning: CloseMeaning) -> Vec<OwnFrame> {
    match meaning {
        CloseMeaning::BinaryFrame | CloseMeaning::Left | CloseMeaning::Malformed => Vec::new(),
        CloseMeaning::InvalidPayload
        | CloseMeaning::InvalidToken
        | CloseMeaning::Kicked
        | CloseMeaning::MissingToken
            if connected =>
        {
            ended(meaning, codes::disconnect(meaning).reason)
        }
        // If it is there after all, it must not come back and take its place again.
        CloseMeaning::Superseded if connected => vec![OwnFrame::Text(DISCONNECT.to_owned())],
        CloseMeaning::Forbidden
        | CloseMeaning::GoingAway
        | CloseMeaning::InvalidPayload
        | CloseMeaning::InvalidToken
        | CloseMeaning::Kicked
        | CloseMeaning::MissingToken
        | CloseMeaning::RateLimited
        | CloseMeaning::Silent
        | CloseMeaning::SlowReader
        | CloseMeaning::Superseded
        | CloseMeaning::TooManyConnections => vec![OwnFrame::Text(ENGINE_CLOSE.to_owned())],
    }
}

/// `42["error",{"message":…,"code":4001}]` and `41`.
fn ended(meaning: CloseMeaning, message: &str) -> Vec<OwnFrame> {
    let error = ErrorShape {
        message: &worded(meaning, message),
        code: codes::disconnect(meaning).code,
    };
    vec![
        text(|out| emit(out, "error", &error, 0)),
        OwnFrame::Text(DISCONNECT.to_owned()),
    ]
}

/// Clients tell failed authentication from other errors by this word in the text.
fn worded(meaning: CloseMeaning, message: &str) -> String {
    if codes::is_authentication(meaning) && !message.contains("authentication") {
        format!("authentication failed: {message}")
    } else {
        message.to_owned()
    }
}

/// `40{"sid":…,"pid":…}`; `pid` only where the socket can be recovered.
fn connected(sid: u128, secret: u128, out: &mut Vec<u8>) -> Option<FrameKind> {
    let (sid, pid) = (Sid::new(sid), Sid::new(secret));
    let data = ConnectedShape {
        sid: sid.as_str(),
        pid: (secret != 0).then_some(pid.as_str()),
    };
    begin_message(out);
    encode_connect(out, MAIN, &data).ok()?;
    Some(FrameKind::Text)
}

/// Takes the number to answer an `auth:refresh` with.
fn refresh(state: &DialectState) -> Option<u64> {
    memory(state)?.refresh.take()?.ack
}

fn answered(ack: Option<u64>, answer: &RoomReply, out: &mut Vec<u8>) -> Option<FrameKind> {
    match answer {
        RoomReply::Count(count) => done(ack, CountShape { count: *count }, out),
        RoomReply::Message(message) => done(ack, MessageShape::new(message, true), out),
        RoomReply::Messages(messages) => {
            let shapes = messages
                .iter()
                .map(|message| MessageShape::new(message, true));
            done(ack, shapes.collect::<Vec<_>>(), out)
        }
        RoomReply::Presence(presences) => {
            let shapes = presences.iter().map(PresenceShape::new);
            done(ack, shapes.collect::<Vec<_>>(), out)
        }
        RoomReply::Receipts(receipts) => {
            let shapes = receipts.iter().map(ReceiptShape::new);
            done(ack, shapes.collect::<Vec<_>>(), out)
        }
        RoomReply::Users(users) => {
            let names = users.iter().map(UserId::as_str);
            done(ack, names.collect::<Vec<_>>(), out)
        }
        RoomReply::Done => done(ack, true, out),
        // Of other surfaces.
        RoomReply::Followed { .. } | RoomReply::Status { .. } | RoomReply::Unfollowed { .. } => {
            done(ack, true, out)
        }
    }
}

/// `43ACK[{"success":true,"data":DATA}]`.
fn done(ack: Option<u64>, data: impl Serialize, out: &mut Vec<u8>) -> Option<FrameKind> {
    let success = true;
    acknowledge(ack?, &DoneShape { success, data }, out)
}

/// `43ACK[{"success":false,"error":"…","code":CODE}]`, or an `error` event where no answer was
/// asked for; nothing to who is not in.
fn refused(
    state: &DialectState,
    ack: Option<u64>,
    refusal: Refusal,
    message: &str,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    let code = codes::refusal(refusal);
    match ack {
        _ if !is_connected(state) => None,
        Some(ack) => {
            let failed = FailedShape {
                success: false,
                error: message,
                code,
            };
            acknowledge(ack, &failed, out)
        }
        None => emit(out, "error", &ErrorShape { message, code }, 0),
    }
}

fn acknowledge(ack: u64, answer: &impl Serialize, out: &mut Vec<u8>) -> Option<FrameKind> {
    let ack = AckId::new(ack)?;
    let begin = out.len();
    begin_message(out);
    if Outgoing::ack(out, MAIN, ack, 0)
        .json(answer)
        .finish()
        .is_err()
    {
        out.truncate(begin);
        return None;
    }
    Some(FrameKind::Text)
}

fn packet(write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> OwnFrame {
    text(|out| {
        begin_message(out);
        write(out).map(|()| FrameKind::Text)
    })
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> Option<FrameKind>) -> OwnFrame {
    let mut out = Vec::new();
    let written = write(&mut out);
    debug_assert!(written.is_some(), "plain values serialise");
    // Only UTF-8 is ever written.
    OwnFrame::Text(String::from_utf8(out).unwrap_or_default())
}

const DISCONNECT: &str = "41";
const ENGINE_CLOSE: &str = "1";
const MAIN: &str = "/";
