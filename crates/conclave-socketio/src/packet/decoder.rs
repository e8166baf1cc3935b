//! From a connection's messages to packets, attachments included.

use conclave_protocol::Frame;

use super::assembly::Assembly;
use super::{Assembled, Limits, Packet};
use crate::Violation;

/// The receiving state of one connection: one pointer, and heap only while attachments are due.
#[derive(Debug, Default)]
pub struct Decoder {
    assembly: Option<Box<Assembly>>,
}

/// What a message completed.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A packet and its attachments.
    Assembled(Box<Assembled>),
    /// Nothing: attachments are due.
    Incomplete,
    /// A packet without attachments.
    Packet(Packet<'a>),
}

impl Decoder {
    /// A decoder that waits for a packet.
    #[must_use]
    pub const fn new() -> Self {
        Self { assembly: None }
    }

    /// Reads one message of Engine.IO.
    ///
    /// A packet without attachments is borrowed from `message`. One with attachments is kept, and
    /// comes out with the last of them; nothing but they may come in between. Announcing none is
    /// as good as a packet without.
    ///
    /// # Errors
    /// The [`Violation`], after which the connection must be ended; what was kept is freed.
    pub fn decode<'a>(
        &mut self,
        message: Frame<'a>,
        limits: &Limits,
    ) -> Result<Decoded<'a>, Violation> {
        let assembly = self.assembly.take();
        let text = match (message, assembly) {
            (Frame::Binary(bytes), Some(assembly)) => return self.attach(assembly, bytes, limits),
            (Frame::Binary(_), None) => return Err(Violation::AttachmentUnannounced),
            (Frame::Text(_), Some(_)) => return Err(Violation::AssemblyInterrupted),
            (Frame::Text(text), None) => text,
        };
        let packet = Packet::decode(text, limits)?;
        match Assembly::begin(&packet, text.len(), limits)? {
            None => Ok(Decoded::Packet(packet)),
            Some(assembly) => {
                self.assembly = Some(Box::new(assembly));
                Ok(Decoded::Incomplete)
            }
        }
    }

    /// Bytes kept of a packet whose attachments are due, 0 while none are; at most
    /// [`Limits::assembly_bytes`].
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.assembly
            .as_ref()
            .map_or(0, |assembly| assembly.bytes())
    }

    fn attach<'a>(
        &mut self,
        mut assembly: Box<Assembly>,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Decoded<'a>, Violation> {
        assembly.attach(bytes, limits)?;
        match assembly.finish() {
            Ok(assembled) => Ok(Decoded::Assembled(Box::new(assembled))),
            Err(unfinished) => {
                self.assembly = Some(unfinished);
                Ok(Decoded::Incomplete)
            }
        }
    }
}
