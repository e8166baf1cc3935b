//! What one node tells another of a client.

use std::fmt;

use conclave_protocol::{
    IssuerId, Principal, Recovery, SessionId, SessionKind, SessionName, Timestamp, UserId,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Kept, LATE_MAX, Late, Written};

/// What shows that somebody knows a client's secret name, without telling it: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Proof([u8; 32]);

/// A client that is back, and whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Owned {
    /// Which.
    pub(crate) client: Proof,
    /// The user that the token proves.
    pub(crate) user: String,
    /// Its session.
    session: Session,
}

/// A client's connection, for another node to go on with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    user: String,
    session: Session,
    sid: String,
    highest: u64,
    late: Vec<(u64, u64)>,
    forgotten: u64,
    at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    kind: Kind,
    issuer: u16,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Anonymous,
    Default,
    Named,
}

impl Proof {
    /// Of a secret name.
    pub(crate) fn of(secret: u128) -> Self {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        context.update(b"conclave client\0");
        context.update(&secret.to_be_bytes());
        let mut proof = [0; 32];
        for (place, byte) in proof.iter_mut().zip(context.finish().as_ref()) {
            *place = *byte;
        }
        Self(proof)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let mut proof = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(D::Error::custom("no proof"));
        }
        for (place, start) in proof.iter_mut().zip((0..64).step_by(2)) {
            let digits = text.get(start..start + 2).unwrap_or_default();
            *place = u8::from_str_radix(digits, 16).map_err(D::Error::custom)?;
        }
        Ok(Self(proof))
    }
}

impl Owned {
    /// `None` where the client is nobody's.
    pub(crate) fn new(recovery: &Recovery, principal: &Principal) -> Option<Self> {
        Some(Self {
            client: Proof::of(recovery.secret),
            user: principal.user.as_ref()?.as_str().to_owned(),
            session: Session::of(&principal.session),
        })
    }

    pub(super) fn is_of(&self, kept: &Kept) -> bool {
        kept.user.as_str() == self.user && Session::of(&kept.session) == self.session
    }
}

impl Session {
    fn of(session: &SessionId) -> Self {
        Self {
            kind: match session.kind {
                SessionKind::Anonymous => Kind::Anonymous,
                SessionKind::Default => Kind::Default,
                SessionKind::Named => Kind::Named,
            },
            issuer: session.issuer.0,
            name: session.name.as_str().to_owned(),
        }
    }

    fn id(&self) -> Option<SessionId> {
        Some(SessionId {
            kind: match self.kind {
                Kind::Anonymous => SessionKind::Anonymous,
                Kind::Default => SessionKind::Default,
                Kind::Named => SessionKind::Named,
            },
            issuer: IssuerId(self.issuer),
            name: SessionName::new(&self.name).ok()?,
        })
    }
}

impl Told {
    pub(super) fn of(kept: &Kept) -> Self {
        let late = kept.written.late.as_deref();
        Self {
            user: kept.user.as_str().to_owned(),
            session: Session::of(&kept.session),
            sid: format!("{:032x}", kept.sid),
            highest: kept.written.highest,
            late: late.map_or_else(Vec::new, |late| late.events.iter().copied().collect()),
            forgotten: late.map_or(0, |late| late.forgotten),
            at: kept.at.millis(),
        }
    }

    /// `None` where no node of this make would have said it.
    pub(super) fn kept(&self) -> Option<Kept> {
        if self.late.len() > LATE_MAX {
            return None;
        }
        let late = (!self.late.is_empty() || self.forgotten > 0).then(|| {
            Box::new(Late {
                events: self.late.iter().copied().collect(),
                forgotten: self.forgotten,
            })
        });
        Some(Kept {
            user: UserId::new(&self.user).ok()?,
            session: self.session.id()?,
            sid: u128::from_str_radix(&self.sid, 16).ok()?,
            written: Written {
                highest: self.highest,
                late,
            },
            at: Timestamp::from_millis(self.at),
            inherited: true,
        })
    }
}
