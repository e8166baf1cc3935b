//! Packets to commands.

use std::borrow::Cow;

use conclave_protocol::{
    CloseMeaning, Command, DialectState, Frame, Received, Refusal, Reply, Tag,
};
use serde_json::value::RawValue;

use super::command::{command, explained};
use super::fields::{Fault, shortened};
use super::{ELSEWHERE, Memory, Refresh, Standing, codes, connect, encode};
use crate::engine::{Packet as EnginePacket, Phase};
use crate::packet::{AckId, Decoded, EventName, Limits, Packet};

/// Decodes one packet of Engine.IO: a WebSocket message, or a part of a long-polling body.
///
/// Whatever is not as the protocols say ends the connection, as it does in the reference.
pub(super) fn message<'a>(state: &mut DialectState, frame: Frame<'a>) -> Received<'a> {
    let engine = EnginePacket::decode(frame).and_then(|packet| packet.admit(Phase::Open));
    let Ok(engine) = engine else {
        return malformed();
    };
    let elsewhere = state.flags & ELSEWHERE != 0;
    let Some((connected, memory)) = session(state) else {
        return malformed();
    };
    match engine {
        EnginePacket::Text(text) => {
            match memory.decoder.decode(Frame::Text(text), &Limits::default()) {
                Ok(Decoded::Packet(packet)) if connected => inside(memory, packet),
                Ok(Decoded::Packet(packet)) => outside(memory, packet, elsewhere),
                // Nobody without a name makes the server keep anything.
                Ok(Decoded::Incomplete) if connected => Received::Answered(Vec::new()),
                Ok(Decoded::Assembled(_) | Decoded::Incomplete) | Err(_) => malformed(),
            }
        }
        EnginePacket::Binary(bytes) => attachment(memory, &bytes),
        EnginePacket::Close => Received::Violation(CloseMeaning::Left),
        EnginePacket::Noop | EnginePacket::Pong(_) | EnginePacket::Upgrade => {
            Received::Answered(Vec::new())
        }
        EnginePacket::Open(_) | EnginePacket::Ping(_) => malformed(),
    }
}

fn session(state: &mut DialectState) -> Option<(bool, &mut Memory)> {
    let place = state.place.get_or_insert_default();
    let memory = place
        .memory
        .get_or_insert_with(|| Box::new(Memory::default()));
    Some((place.connected, memory.downcast_mut()?))
}

/// What a client sends that is in.
fn inside<'a>(memory: &Memory, packet: Packet<'a>) -> Received<'a> {
    match packet {
        Packet::Connect { namespace, .. } if namespace != MAIN => no_such(namespace),
        Packet::Disconnect { namespace: MAIN } => {
            memory.standing.set(Standing::Absent);
            Received::Command(Command::Disconnect)
        }
        Packet::Event {
            namespace: MAIN,
            ack,
            name,
            arguments,
            ..
        } => event(memory, ack, &name, arguments.first().copied()),
        // The server asks for no acknowledgement; one too many is no harm, as in the reference.
        Packet::Ack {
            namespace: MAIN, ..
        } => Received::Answered(Vec::new()),
        Packet::Ack { .. }
        | Packet::Connect { .. }
        | Packet::ConnectError { .. }
        | Packet::Disconnect { .. }
        | Packet::Event { .. } => malformed(),
    }
}

/// What a client sends that is not in.
fn outside<'a>(memory: &Memory, packet: Packet<'a>, elsewhere: bool) -> Received<'a> {
    match (packet, memory.standing.get()) {
        (Packet::Connect { namespace, .. }, _) if namespace != MAIN => no_such(namespace),
        (Packet::Connect { data, .. }, Standing::Absent | Standing::Ended) => {
            memory.standing.set(Standing::Pending);
            memory.refresh.set(None);
            Received::Command(Command::Connect(connect::read(data, elsewhere)))
        }
        // Sent before the client knew.
        (
            Packet::Ack { .. } | Packet::Disconnect { .. } | Packet::Event { .. },
            Standing::Ended,
        ) => Received::Answered(Vec::new()),
        (
            Packet::Ack { .. }
            | Packet::Connect { .. }
            | Packet::ConnectError { .. }
            | Packet::Disconnect { .. }
            | Packet::Event { .. },
            _,
        ) => malformed(),
    }
}

/// An attachment. No event takes any; the client hears so when its packet is whole.
fn attachment(memory: &mut Memory, bytes: &[u8]) -> Received<'static> {
    let whole = match memory
        .decoder
        .decode(Frame::Binary(bytes), &Limits::default())
    {
        Ok(Decoded::Assembled(whole)) => whole,
        Ok(Decoded::Incomplete) => return Received::Answered(Vec::new()),
        Ok(Decoded::Packet(_)) | Err(_) => return malformed(),
    };
    match whole.packet() {
        Packet::Event {
            namespace: MAIN,
            ack,
            name,
            ..
        } => {
            let fault = Fault::new(Refusal::BadRequest, "no event takes binary data");
            refused(tag(ack), name.as_str(), fault)
        }
        Packet::Ack {
            namespace: MAIN, ..
        } => Received::Answered(Vec::new()),
        Packet::Ack { .. }
        | Packet::Connect { .. }
        | Packet::ConnectError { .. }
        | Packet::Disconnect { .. }
        | Packet::Event { .. } => malformed(),
    }
}

fn event<'a>(
    memory: &Memory,
    ack: Option<AckId>,
    name: &EventName<'_>,
    data: Option<&'a RawValue>,
) -> Received<'a> {
    let name = name.as_str();
    if name == codes::REFRESH {
        return refresh(memory, ack, data).unwrap_or_else(|fault| refused(tag(ack), name, fault));
    }
    match command(name, data) {
        Ok(command) => Received::Command(Command::Room(tag(ack), command)),
        Err(fault) => refused(tag(ack), name, fault),
    }
}

/// `auth:refresh {token}`; one at a time, since its answer says nothing of which it is.
fn refresh<'a>(
    memory: &Memory,
    ack: Option<AckId>,
    data: Option<&'a RawValue>,
) -> Result<Received<'a>, Fault> {
    let token = explained(codes::REFRESH, "{token}", data, |fields| {
        let token = fields.required("token")?;
        if token.trim().is_empty() {
            return Err(Fault::field("token", "must not be empty"));
        }
        Ok(token)
    })?;
    if memory.refresh.get().is_some() {
        let message = "another auth:refresh has not been answered yet";
        return Err(Fault::new(Refusal::Conflict, message));
    }
    let ack = ack.map(AckId::get);
    memory.refresh.set(Some(Refresh { ack }));
    Ok(Received::Command(Command::Renew(token)))
}

/// The namespace is refused, the socket stays.
fn no_such(namespace: &str) -> Received<'static> {
    Received::Answered(encode::invalid_namespace(namespace))
}

fn refused(tag: Tag, name: &str, fault: Fault) -> Received<'static> {
    Received::Refused(Reply::RoomRefused {
        tag: Cow::Owned(tag),
        command: Cow::Owned(shortened(name).into_owned()),
        refusal: fault.refusal,
        message: fault.message,
    })
}

fn tag(ack: Option<AckId>) -> Tag {
    Tag {
        ack: ack.map(AckId::get),
        ..Tag::default()
    }
}

const fn malformed() -> Received<'static> {
    Received::Violation(CloseMeaning::Malformed)
}

const MAIN: &str = "/";
