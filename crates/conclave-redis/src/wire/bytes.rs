//! Numbers, texts and names in bytes.

use conclave_core::NodeId;
use conclave_protocol::{MessageId, RoomId, Timestamp, UserId};

use super::WireError;

/// A message that is being written.
pub(super) struct Writer(Vec<u8>);

/// A message that is being read.
pub(super) struct Reader<'a>(&'a [u8]);

impl Writer {
    /// Of this kind, from this node, of about `weight` bytes.
    pub(super) fn new(node: NodeId, kind: u8, weight: usize) -> Self {
        let mut out = Self(Vec::with_capacity(weight.min(WEIGHT_MAX) + HEAD_BYTES));
        out.byte(VERSION);
        out.byte(kind);
        out.id(node.0);
        out
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(super) fn number(&mut self, mut number: u64) {
        loop {
            let low = u8::try_from(number & 0x7f).unwrap_or(0);
            number >>= 7;
            if number == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    pub(super) fn time(&mut self, time: Timestamp) {
        self.number(time.millis());
    }

    pub(super) fn id(&mut self, id: u128) {
        self.0.extend_from_slice(&id.to_be_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn version(&mut self) -> Result<(), WireError> {
        match self.byte()? {
            VERSION => Ok(()),
            _ => Err(WireError::Unknown),
        }
    }

    pub(super) fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(WireError::Long)
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, WireError> {
        let (byte, rest) = self.0.split_first().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn flag(&mut self) -> Result<bool, WireError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Value),
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, WireError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                return Err(WireError::Value);
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(WireError::Value)
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, WireError> {
        Ok(Timestamp::from_millis(self.number()?))
    }

    pub(super) fn id(&mut self) -> Result<u128, WireError> {
        let (id, rest) = self.0.split_first_chunk().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(u128::from_be_bytes(*id))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, WireError> {
        let length = usize::try_from(self.number()?).map_err(|_large| WireError::Short)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(WireError::Short)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_bytes| WireError::Value)
    }

    pub(super) fn maybe<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        if self.flag()? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn user(&mut self) -> Result<UserId, WireError> {
        UserId::new(self.text()?).map_err(|_name| WireError::Value)
    }

    pub(super) fn room(&mut self) -> Result<RoomId, WireError> {
        RoomId::new(self.text()?).map_err(|_name| WireError::Value)
    }

    pub(super) fn message(&mut self) -> Result<MessageId, WireError> {
        self.id().map(MessageId)
    }
}

/// Of the whole format: nodes of different versions do not understand each other.
const VERSION: u8 = 1;
const HEAD_BYTES: usize = 64;
const WEIGHT_MAX: usize = 64 * 1024;
