//! What was taken of limits, and texts of nodes, in bytes.

use conclave_core::{NOTICE_BYTES_MAX, SharedLimit, Spent};

use super::WireError;
use super::bytes::{Reader, Writer};

impl Writer {
    pub(super) fn spent(&mut self, list: &[Spent]) {
        self.number(u64::try_from(list.len()).unwrap_or(u64::MAX));
        for spent in list {
            self.byte(number_of(spent.limit));
            self.text(&spent.key);
            self.number(spent.count.into());
        }
    }
}

impl Reader<'_> {
    pub(super) fn spent(&mut self) -> Result<Vec<Spent>, WireError> {
        let mut list = Vec::new();
        // Each has three bytes at least: what says more than it holds ends too early.
        for _ in 0..self.number()? {
            let number = self.byte()?;
            let mut all = SharedLimit::ALL.into_iter();
            let limit = all.find(|limit| number_of(*limit) == number);
            list.push(Spent {
                limit: limit.ok_or(WireError::Value)?,
                key: self.text()?.into(),
                count: u32::try_from(self.number()?).map_err(|_large| WireError::Value)?,
            });
        }
        Ok(list)
    }

    pub(super) fn notice_text(&mut self) -> Result<Box<str>, WireError> {
        let text = self.text()?;
        (text.len() <= NOTICE_BYTES_MAX)
            .then(|| text.into())
            .ok_or(WireError::Value)
    }
}

const fn number_of(limit: SharedLimit) -> u8 {
    match limit {
        SharedLimit::SignIns => 1,
        SharedLimit::Handshakes => 2,
        SharedLimit::UserMessages => 3,
        SharedLimit::RoomMessages => 4,
        SharedLimit::Requests => 5,
    }
}
