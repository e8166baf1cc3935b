//! What a node says of its users, in bytes.

use conclave_core::{NodeCounts, RollPart, WholePart};

use super::WireError;
use super::bytes::{Reader, Writer};

impl Writer {
    pub(super) fn counts(&mut self, counts: &NodeCounts) {
        self.number(counts.active.into());
        self.number(counts.authenticated.into());
        self.number(u64::try_from(counts.surfaces.len()).unwrap_or(u64::MAX));
        for (name, count) in &counts.surfaces {
            self.text(name);
            self.number((*count).into());
        }
    }

    pub(super) fn part(&mut self, part: &RollPart) {
        self.number(part.version);
        self.maybe(part.whole, |out, whole| {
            out.flag(whole.first);
            out.flag(whole.last);
        });
        self.number(u64::try_from(part.users.len()).unwrap_or(u64::MAX));
        for (user, count) in &part.users {
            self.text(user.as_str());
            self.number((*count).into());
        }
    }
}

impl Reader<'_> {
    pub(super) fn counts(&mut self) -> Result<NodeCounts, WireError> {
        let (active, authenticated) = (self.small()?, self.small()?);
        let mut surfaces = Vec::new();
        // Each has two bytes at least: what says more than it holds ends too early.
        for _ in 0..self.number()? {
            surfaces.push((self.text()?.into(), self.small()?));
        }
        Ok(NodeCounts {
            active,
            authenticated,
            surfaces,
        })
    }

    pub(super) fn part(&mut self) -> Result<RollPart, WireError> {
        let version = self.number()?;
        let whole = self.maybe(|reader| {
            Ok(WholePart {
                first: reader.flag()?,
                last: reader.flag()?,
            })
        })?;
        let mut users = Vec::new();
        for _ in 0..self.number()? {
            users.push((self.user()?, self.small()?));
        }
        Ok(RollPart {
            version,
            whole,
            users,
        })
    }

    fn small(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.number()?).map_err(|_large| WireError::Value)
    }
}
