//! What the end of a connection means: come back, when, or not at all.

use conclave_websocket::handshake::ClientHandshakeError;

use crate::backoff::Again;
use crate::error::{Ending, Error};
use crate::http::UNAVAILABLE;
use crate::tokens::Token;

/// Whether the server takes this client's tokens.
#[derive(Default)]
pub(super) struct Trust {
    /// A token was refused: the next one is the last try.
    doubted: bool,
}

/// What to do after a connection.
#[derive(Debug)]
pub(super) enum Verdict {
    Again(Again, Error),
    Stop(Error),
}

/// What an error is about.
enum Cause {
    Again(Again),
    /// The token.
    Token(Box<str>),
    Final,
}

impl Trust {
    /// The server answered.
    pub(super) fn prove(&mut self) {
        self.doubted = false;
    }

    /// The token that must not be shown again.
    pub(super) fn refused(&self, token: Option<&Token>) -> Option<Token> {
        token.filter(|_| self.doubted).cloned()
    }

    /// Judges why there is no connection; `can_change` where another token can be had.
    pub(super) fn judge(&mut self, error: Error, can_change: bool) -> Verdict {
        match cause(&error) {
            Cause::Again(again) => Verdict::Again(again, error),
            Cause::Final => Verdict::Stop(error),
            Cause::Token(_) if can_change && !self.doubted => {
                self.doubted = true;
                Verdict::Again(Again::Lost, error)
            }
            Cause::Token(reason) => Verdict::Stop(Error::Unauthenticated(reason)),
        }
    }
}

fn cause(error: &Error) -> Cause {
    match error {
        Error::Ended(Ending::Close(Some(code), reason)) => closed(*code, reason),
        Error::Handshake(ClientHandshakeError::Status(status)) => answered(*status),
        Error::Ended(_)
        | Error::Handshake(_)
        | Error::Io(..)
        | Error::Malformed(_)
        | Error::Protocol(_)
        | Error::Silent(_)
        | Error::Token(_)
        | Error::Uncertain => Cause::Again(Again::Lost),
        Error::Refused(refusal) => match &*refusal.code {
            "rate_limited" => Cause::Again(Again::Crowded),
            "internal" | UNAVAILABLE => Cause::Again(Again::Lost),
            _ => Cause::Final,
        },
        Error::Address(_)
        | Error::Certificates(_)
        | Error::Closed
        | Error::Full
        | Error::Unauthenticated(_) => Cause::Final,
    }
}

/// Source: identity.md, "Refused handshakes, closed connections".
fn closed(code: u16, reason: &str) -> Cause {
    match code {
        1001 => Cause::Again(Again::Spread),
        1008 if reason == TOO_MANY || reason == TOO_FAST => Cause::Again(Again::Crowded),
        1008 if reason == NOT_ALLOWED => Cause::Final,
        1008 | 4001 => Cause::Token(reason.into()),
        1013 | 4008 => Cause::Again(Again::Crowded),
        4003 => Cause::Final,
        _ => Cause::Again(Again::Lost),
    }
}

fn answered(status: u16) -> Cause {
    match status {
        401 => Cause::Token("the server answered with status 401".into()),
        429 | 503 => Cause::Again(Again::Crowded),
        400..=499 => Cause::Final,
        _ => Cause::Again(Again::Lost),
    }
}

const TOO_MANY: &str = "Too many connections";
const TOO_FAST: &str = "Too many messages";
const NOT_ALLOWED: &str = "Not allowed here";

#[cfg(test)]
mod tests {
    use super::*;

    fn close(code: u16, reason: &str) -> Error {
        Error::Ended(Ending::Close(Some(code), reason.into()))
    }

    #[track_caller]
    fn check(error: Error, expected: Option<Again>) {
        let judged = match Trust::default().judge(error, false) {
            Verdict::Again(again, _) => Some(again),
            Verdict::Stop(_) => None,
        };
        assert_eq!(judged, expected);
    }

    #[test]
    fn codes_say_whether_and_when_to_come_back() {
        check(close(1001, ""), Some(Again::Spread));
        check(close(1006, ""), Some(Again::Lost));
        check(close(1008, TOO_MANY), Some(Again::Crowded));
        check(close(1008, "Missing authentication token"), None);
        check(close(1013, ""), Some(Again::Crowded));
        check(close(4001, "Invalid or expired token"), None);
        check(close(4003, ""), None);
        check(close(4008, ""), Some(Again::Crowded));
        check(Error::Ended(Ending::Lost), Some(Again::Lost));
        check(Error::Handshake(ClientHandshakeError::Status(403)), None);
        let busy = Error::Handshake(ClientHandshakeError::Status(503));
        check(busy, Some(Again::Crowded));
        check(Error::refused("rate_limited", ""), Some(Again::Crowded));
        check(Error::refused("unavailable", ""), Some(Again::Lost));
        check(Error::refused("forbidden", ""), None);
        check(Error::Unauthenticated("wrong password".into()), None);
    }

    #[test]
    fn a_refused_token_is_changed_once() {
        let mut trust = Trust::default();
        let expired = || close(4001, "Invalid or expired token");
        assert!(matches!(trust.judge(expired(), true), Verdict::Again(..)));
        let Verdict::Stop(Error::Unauthenticated(reason)) = trust.judge(expired(), true) else {
            panic!("the second token was refused as well")
        };
        assert_eq!(&*reason, "Invalid or expired token");
        trust.prove();
        assert!(matches!(trust.judge(expired(), true), Verdict::Again(..)));
    }
}
