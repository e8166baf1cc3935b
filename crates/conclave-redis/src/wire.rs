//! What crosses Redis: one message each, small, with a version, and read without trust.
//!
//! A message is `[version][kind][node: 16 bytes]` and what its kind has. Numbers are in groups of
//! seven bits, lowest first; texts are their length and their bytes. A reader refuses what is
//! longer than it says, what is left over, and what no Conclave would have written.
//!
//! Reading order: this file (messages), `bytes` (numbers and texts), `events`, `roll` (who is
//! where), `spent` (of limits), `records` (with a place that Redis gave), `names` (what a channel
//! is called in Redis).

mod bytes;
mod events;
mod names;
mod records;
mod roll;
mod spent;
#[cfg(test)]
mod tests;

use conclave_core::{NodeId, Notice, Place};
use conclave_protocol::{Body, Publication, Timestamp, TopicMessage};

use bytes::{Reader, Writer};
pub(crate) use names::{channel_name, notices_name, record_names};
pub(crate) use records::{is_recorded, read_recorded};

/// Why bytes are no message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// They end too early.
    #[error("it ends too early")]
    Short,
    /// Something comes after the end.
    #[error("it goes on after its end")]
    Long,
    /// Of a version or kind that this build does not know.
    #[error("its version or kind is unknown")]
    Unknown,
    /// A value that cannot be.
    #[error("a value in it cannot be")]
    Value,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Something that the node has said before was lost.
    Lost,
    /// A notice.
    Notice(Notice),
    /// A publication of the channel that the message came in.
    Publication {
        place: Place,
        at: Timestamp,
        body: Body,
    },
}

/// Writes a publication.
pub(crate) fn write_publication(node: NodeId, place: Place, publication: &Publication) -> Vec<u8> {
    let mut out = Writer::new(node, PUBLICATION, publication.weight());
    out.number(place.epoch);
    out.number(place.seq);
    out.flag(place.after_loss);
    out.time(publication.at);
    match &publication.body {
        Body::Broadcast {
            members,
            user,
            request,
        } => {
            out.byte(BROADCAST);
            out.text(members);
            out.text(user.as_str());
            out.id(*request);
        }
        Body::Topic(message) => {
            out.byte(TOPIC);
            out.text(&message.payload);
            out.maybe(message.publisher_name.as_deref(), Writer::text);
            out.maybe(message.timestamp.as_deref(), Writer::text);
            out.maybe(message.user.as_ref(), |out, user| out.text(user.as_str()));
        }
        Body::Event(event) => {
            out.byte(EVENT);
            out.event(event);
        }
        // Never sent: each node follows the chain by itself. Nobody could read this.
        Body::Wallet(_) => {}
    }
    out.done()
}

/// Writes a notice.
pub(crate) fn write_notice(node: NodeId, notice: &Notice) -> Vec<u8> {
    match notice {
        Notice::Alive { version, counts } => {
            let mut out = Writer::new(node, ALIVE, 64);
            out.number(*version);
            out.counts(counts);
            out.done()
        }
        Notice::Ask { id, question } => {
            let mut out = Writer::new(node, ASK, question.len());
            out.number(*id);
            out.text(question);
            out.done()
        }
        Notice::Answer { to, id, answer } => {
            let mut out = Writer::new(node, ANSWER, answer.len());
            out.id(to.0);
            out.number(*id);
            out.text(answer);
            out.done()
        }
        Notice::AskRoll { of } => {
            let mut out = Writer::new(node, ASK_ROLL, 16);
            out.id(of.0);
            out.done()
        }
        Notice::Changed => Writer::new(node, CHANGED, 0).done(),
        Notice::Disconnect { user, code, reason } => {
            let mut out = Writer::new(node, DISCONNECT, 64);
            out.text(user.as_str());
            out.maybe(*code, |out, code| out.number(code.into()));
            out.maybe(reason.as_deref(), Writer::text);
            out.done()
        }
        Notice::Roll(part) => {
            let mut out = Writer::new(node, ROLL, part.users.len() * 16);
            out.part(part);
            out.done()
        }
        Notice::Spent(list) => {
            let mut out = Writer::new(node, SPENT, list.len() * 24);
            out.spent(list);
            out.done()
        }
    }
}

/// Writes that something before was lost.
pub(crate) fn write_lost(node: NodeId) -> Vec<u8> {
    Writer::new(node, LOST, 0).done()
}

/// Who sent a message; enough to pass one's own over.
pub(crate) fn read_sender(bytes: &[u8]) -> Result<NodeId, WireError> {
    let mut reader = Reader::new(bytes);
    reader.version()?;
    reader.byte()?;
    Ok(NodeId(reader.id()?))
}

/// Reads a message.
pub(crate) fn read(bytes: &[u8]) -> Result<(NodeId, Said), WireError> {
    let mut reader = Reader::new(bytes);
    reader.version()?;
    let kind = reader.byte()?;
    let node = NodeId(reader.id()?);
    let said = match kind {
        PUBLICATION => Said::Publication {
            place: Place {
                epoch: reader.number()?,
                seq: reader.number()?,
                after_loss: reader.flag()?,
            },
            at: reader.time()?,
            body: body(&mut reader)?,
        },
        ALIVE => Said::Notice(Notice::Alive {
            version: reader.number()?,
            counts: reader.counts()?,
        }),
        ASK_ROLL => Said::Notice(Notice::AskRoll {
            of: NodeId(reader.id()?),
        }),
        LOST => Said::Lost,
        CHANGED => Said::Notice(Notice::Changed),
        DISCONNECT => Said::Notice(Notice::Disconnect {
            user: reader.user()?,
            code: reader.maybe(|reader| {
                u16::try_from(reader.number()?).map_err(|_large| WireError::Value)
            })?,
            reason: reader.maybe(|reader| {
                let reason = reader.text()?;
                (reason.len() <= REASON_BYTES_MAX)
                    .then(|| reason.into())
                    .ok_or(WireError::Value)
            })?,
        }),
        ROLL => Said::Notice(Notice::Roll(reader.part()?)),
        ASK => Said::Notice(Notice::Ask {
            id: reader.number()?,
            question: reader.notice_text()?,
        }),
        ANSWER => Said::Notice(Notice::Answer {
            to: NodeId(reader.id()?),
            id: reader.number()?,
            answer: reader.notice_text()?,
        }),
        SPENT => Said::Notice(Notice::Spent(reader.spent()?)),
        _ => return Err(WireError::Unknown),
    };
    reader.end()?;
    Ok((node, said))
}

fn body(reader: &mut Reader<'_>) -> Result<Body, WireError> {
    Ok(match reader.byte()? {
        BROADCAST => Body::Broadcast {
            members: reader.text()?.into(),
            user: reader.user()?,
            request: reader.id()?,
        },
        TOPIC => Body::Topic(TopicMessage {
            payload: reader.text()?.into(),
            publisher_name: reader.maybe(|reader| Ok(reader.text()?.into()))?,
            timestamp: reader.maybe(|reader| Ok(reader.text()?.into()))?,
            user: reader.maybe(Reader::user)?,
        }),
        EVENT => Body::Event(reader.event()?.into()),
        _ => return Err(WireError::Unknown),
    })
}

const PUBLICATION: u8 = 1;
const CHANGED: u8 = 2;
const DISCONNECT: u8 = 3;
const ALIVE: u8 = 4;
const ASK_ROLL: u8 = 5;
const ROLL: u8 = 6;
const ASK: u8 = 7;
const ANSWER: u8 = 8;
const SPENT: u8 = 9;
const LOST: u8 = 32;

const BROADCAST: u8 = 1;
const TOPIC: u8 = 2;
const EVENT: u8 = 3;

/// Of a close frame.
const REASON_BYTES_MAX: usize = 123;
