//! A packet and its attachments.

use serde_json::value::RawValue;

use super::{AckId, EventName, Limits, Packet};
use crate::Violation;

/// A packet whose attachments are due.
#[derive(Debug)]
pub(super) struct Assembly {
    parts: Assembled,
    announced: usize,
    bytes: usize,
}

/// An event or ack with all its attachments.
#[derive(Debug)]
pub struct Assembled {
    namespace: Box<str>,
    content: Content,
    arguments: Vec<Box<RawValue>>,
    attachments: Vec<Box<[u8]>>,
}

#[derive(Debug)]
enum Content {
    Ack(AckId),
    Event(Option<AckId>, EventName<'static>),
}

impl Assembly {
    /// Copies a packet that announces attachments; `None` for any other.
    ///
    /// # Errors
    /// [`Violation::AssemblyTooBig`] where its text alone is over the limit.
    pub(super) fn begin(
        packet: &Packet<'_>,
        text_bytes: usize,
        limits: &Limits,
    ) -> Result<Option<Self>, Violation> {
        let (content, arguments, announced) = match packet {
            Packet::Event {
                ack,
                name,
                arguments,
                attachments: announced @ 1..,
                ..
            } => {
                let name = name.clone().into_owned();
                (Content::Event(*ack, name), arguments, *announced)
            }
            Packet::Ack {
                id,
                arguments,
                attachments: announced @ 1..,
                ..
            } => (Content::Ack(*id), arguments, *announced),
            Packet::Connect { .. }
            | Packet::Disconnect { .. }
            | Packet::Event { .. }
            | Packet::Ack { .. }
            | Packet::ConnectError { .. } => return Ok(None),
        };
        if text_bytes > limits.assembly_bytes {
            return Err(Violation::AssemblyTooBig);
        }
        let parts = Assembled {
            namespace: packet.namespace().into(),
            content,
            arguments: arguments.iter().map(|&json| json.to_owned()).collect(),
            attachments: Vec::with_capacity(announced),
        };
        Ok(Some(Self {
            parts,
            announced,
            bytes: text_bytes,
        }))
    }

    /// Takes the next attachment.
    ///
    /// # Errors
    /// [`Violation::AssemblyTooBig`].
    pub(super) fn attach(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Violation> {
        let whole = self.bytes.saturating_add(bytes.len());
        if whole > limits.assembly_bytes {
            return Err(Violation::AssemblyTooBig);
        }
        self.bytes = whole;
        self.parts.attachments.push(bytes.into());
        Ok(())
    }

    /// Gives the packet once no attachment is due any more, else itself.
    pub(super) fn finish(self: Box<Self>) -> Result<Assembled, Box<Self>> {
        if self.parts.attachments.len() < self.announced {
            return Err(self);
        }
        Ok(self.parts)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Assembled {
    /// The packet, placeholders in their places.
    #[must_use]
    pub fn packet(&self) -> Packet<'_> {
        let arguments = self.arguments.iter().map(|json| &**json).collect();
        match &self.content {
            Content::Ack(id) => Packet::Ack {
                namespace: &self.namespace,
                id: *id,
                arguments,
                attachments: self.attachments.len(),
            },
            Content::Event(ack, name) => Packet::Event {
                namespace: &self.namespace,
                ack: *ack,
                name: name.as_borrowed(),
                arguments,
                attachments: self.attachments.len(),
            },
        }
    }

    /// The attachments; the one at `n` belongs where `{"_placeholder":true,"num":n}` stands.
    #[must_use]
    pub fn attachments(&self) -> &[Box<[u8]>] {
        &self.attachments
    }
}
