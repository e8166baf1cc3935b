//! A ticket as it is kept: what it says, and an HMAC over that and its hash, so that only who has
//! the key can have written it, and for this ticket alone.

use std::sync::Arc;

use aws_lc_rs::hmac;
use conclave_protocol::{
    FamilyId, Grants, IssuerId, Principal, SessionId, SessionKind, SessionName, Timestamp, TokenId,
    UserId,
};
use serde::{Deserialize, Serialize};

use crate::SecretHash;

/// What a ticket stands for.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) principal: Principal,
    pub(crate) origin: Option<Box<str>>,
    pub(crate) expires_at: Timestamp,
}

/// The JSON of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    v: u8,
    user: Option<String>,
    kind: u8,
    issuer: u16,
    session: String,
    named: bool,
    name: Option<String>,
    grants: Vec<String>,
    token: Option<[u8; 16]>,
    family: Option<[u8; 16]>,
    issued_at: Option<u64>,
    token_ends: Option<u64>,
    origin: Option<String>,
    ends: u64,
}

/// Writes a ticket.
pub(crate) fn seal(ticket: &Ticket, hash: &SecretHash, key: &hmac::Key) -> Box<[u8]> {
    let mut said = serde_json::to_vec(&Shape::of(ticket)).unwrap_or_default();
    let tag = tag(&said, hash, key);
    said.extend_from_slice(tag.as_ref());
    said.into()
}

/// Reads a ticket that was written with this key under this hash.
pub(crate) fn open(sealed: &[u8], hash: &SecretHash, key: &hmac::Key) -> Option<Ticket> {
    let (said, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
    hmac::verify(key, &signed(said, hash), tag).ok()?;
    let shape: Shape = serde_json::from_slice(said).ok()?;
    shape.ticket()
}

fn tag(said: &[u8], hash: &SecretHash, key: &hmac::Key) -> hmac::Tag {
    hmac::sign(key, &signed(said, hash))
}

fn signed(said: &[u8], hash: &SecretHash) -> Vec<u8> {
    [&hash.0, said].concat()
}

impl Shape {
    fn of(ticket: &Ticket) -> Self {
        let Ticket {
            principal,
            origin,
            expires_at,
        } = ticket;
        Self {
            v: VERSION,
            user: principal.user.as_ref().map(|user| user.as_str().to_owned()),
            kind: match principal.session.kind {
                SessionKind::Anonymous => 0,
                SessionKind::Default => 1,
                SessionKind::Named => 2,
            },
            issuer: principal.session.issuer.0,
            session: principal.session.name.as_str().to_owned(),
            named: principal.session_named_by_token,
            name: principal.name.as_deref().map(str::to_owned),
            grants: principal.grants.iter().map(str::to_owned).collect(),
            token: principal.token.map(|id| id.0),
            family: principal.family.map(|id| id.0),
            issued_at: principal.issued_at.map(Timestamp::millis),
            token_ends: principal.expires_at.map(Timestamp::millis),
            origin: origin.as_deref().map(str::to_owned),
            ends: expires_at.millis(),
        }
    }

    fn ticket(self) -> Option<Ticket> {
        if self.v != VERSION {
            return None;
        }
        let user = self.user.as_deref().map(UserId::new).transpose().ok()?;
        let session = SessionId {
            kind: match self.kind {
                0 => SessionKind::Anonymous,
                1 => SessionKind::Default,
                2 => SessionKind::Named,
                _ => return None,
            },
            issuer: IssuerId(self.issuer),
            name: SessionName::new(&self.session).ok()?,
        };
        let principal = Principal {
            user,
            session,
            session_named_by_token: self.named,
            name: self.name.map(Arc::from),
            grants: Arc::new(Grants::new(self.grants)),
            token: self.token.map(TokenId),
            family: self.family.map(FamilyId),
            issued_at: self.issued_at.map(Timestamp::from_millis),
            expires_at: self.token_ends.map(Timestamp::from_millis),
        };
        Some(Ticket {
            principal,
            origin: self.origin.map(Box::from),
            expires_at: Timestamp::from_millis(self.ends),
        })
    }
}

const VERSION: u8 = 1;
const TAG_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: SecretHash = SecretHash([7; 32]);

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    fn kinds() -> impl Strategy<Value = SessionKind> {
        prop_oneof![
            Just(SessionKind::Anonymous),
            Just(SessionKind::Default),
            Just(SessionKind::Named)
        ]
    }

    prop_compose! {
        fn tickets()(
            user in proptest::option::of("[a-zA-Z0-9._-]{1,40}"),
            (kind, issuer, session, named) in (kinds(), any::<u16>(), "[a-z0-9]{1,40}", any::<bool>()),
            name in proptest::option::of(".{0,40}"),
            grants in proptest::collection::vec("[a-z.:*\"]{1,20}", 0..8),
            (token, family) in any::<(Option<[u8; 16]>, Option<[u8; 16]>)>(),
            (issued, token_ends, ends) in any::<(Option<u64>, Option<u64>, u64)>(),
            origin in proptest::option::of(".{0,40}"),
        ) -> Ticket {
            let principal = Principal {
                user: user.map(|user| UserId::new(&user).unwrap()),
                session: SessionId {
                    kind,
                    issuer: IssuerId(issuer),
                    name: SessionName::new(&session).unwrap(),
                },
                session_named_by_token: named,
                name: name.map(Arc::from),
                grants: Arc::new(Grants::new(grants)),
                token: token.map(TokenId),
                family: family.map(FamilyId),
                issued_at: issued.map(Timestamp::from_millis),
                expires_at: token_ends.map(Timestamp::from_millis),
            };
            Ticket {
                principal,
                origin: origin.map(Box::from),
                expires_at: Timestamp::from_millis(ends),
            }
        }
    }

    proptest! {
        #[test]
        fn a_ticket_is_read_as_it_was_written(ticket in tickets()) {
            let sealed = seal(&ticket, &HASH, &key(1));
            let read = open(&sealed, &HASH, &key(1)).unwrap();
            prop_assert_eq!(format!("{read:?}"), format!("{ticket:?}"));
        }

        #[test]
        fn a_ticket_that_was_changed_is_none(
            ticket in tickets(),
            place in any::<prop::sample::Index>(),
            by in 1..=255_u8,
        ) {
            let mut sealed = seal(&ticket, &HASH, &key(1));
            let place = place.index(sealed.len());
            sealed[place] ^= by;
            prop_assert!(open(&sealed, &HASH, &key(1)).is_none());
        }

        #[test]
        fn any_bytes_are_no_ticket(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open(&bytes, &HASH, &key(1)).is_none());
        }
    }

    #[test]
    fn what_was_written_for_another_ticket_or_by_another_key_is_none() {
        let ticket = Ticket {
            principal: Principal {
                user: None,
                session: SessionId {
                    kind: SessionKind::Named,
                    issuer: IssuerId(0),
                    name: SessionName::new("s").unwrap(),
                },
                session_named_by_token: true,
                name: None,
                grants: Arc::default(),
                token: None,
                family: None,
                issued_at: None,
                expires_at: None,
            },
            origin: None,
            expires_at: Timestamp::from_millis(1),
        };
        let sealed = seal(&ticket, &HASH, &key(1));
        assert!(open(&sealed, &HASH, &key(1)).is_some());
        assert!(open(&sealed, &HASH, &key(2)).is_none());
        assert!(open(&sealed, &SecretHash([8; 32]), &key(1)).is_none());
    }

    #[test]
    fn another_version_or_a_member_more_is_none() {
        let said = |version: u8, more: &str| {
            format!(
                r#"{{"v":{version},"user":null,"kind":2,"issuer":0,"session":"s","named":true,
                "name":null,"grants":[],"token":null,"family":null,"issued_at":null,
                "token_ends":null,"origin":null,"ends":1{more}}}"#
            )
        };
        let read = |text: String| {
            let mut sealed = text.into_bytes();
            let tag = tag(&sealed, &HASH, &key(1));
            sealed.extend_from_slice(tag.as_ref());
            open(&sealed, &HASH, &key(1))
        };
        assert!(read(said(1, "")).is_some());
        assert!(read(said(2, "")).is_none());
        assert!(read(said(1, r#","more":1"#)).is_none());
    }
}
