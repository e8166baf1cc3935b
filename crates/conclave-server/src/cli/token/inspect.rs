//! `conclave token inspect`: what a token says, and what a server with this configuration would
//! say to it. Asks no network: keys that come from a URL are not known here.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_auth::{Standing, TokenError, TokenFault, Verified};
use conclave_protocol::{Clock as _, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::cli::keys::{Keys, Missing, store_if_there};
use crate::cli::{Failure, Location};
use crate::clock::WallClock;
use crate::stored::Stored;

/// What is printed, and why the token would be refused, if so.
pub(super) struct Inspected {
    pub(super) text: String,
    pub(super) refused: Option<Failure>,
}

#[derive(Serialize)]
struct Report {
    header: Option<Value>,
    claims: Option<Value>,
    accepted: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Verdict {
    Accepted(Holder),
    Refused { reason: String },
}

/// Who the token proves, as `GET /auth/me` would tell.
#[derive(Serialize)]
struct Holder {
    issuer: String,
    user_id: Option<String>,
    name: Option<Arc<str>>,
    session: String,
    roles: Vec<String>,
    permissions: Vec<String>,
    /// Leeway included; RFC 3339.
    expires_at: Option<String>,
}

pub(super) async fn inspect(token: &str, location: &Location) -> Result<Inspected, Failure> {
    let setup = location.setup()?;
    let stored = Stored::of(&setup.config)?;
    let keys = Keys::find(setup, Missing::Refused)?;
    let store = store_if_there(&stored).await?;
    let standing = keys.standing(store.as_ref()).await?;
    let verdict = verdict(&keys, &standing, token, WallClock::new().now());
    let refused = match &verdict {
        Verdict::Accepted(_) => None,
        Verdict::Refused { reason } => Some(Failure::failed(format!(
            "the server would refuse this token: {reason}"
        ))),
    };
    let mut parts = token.split('.').map(decoded);
    let report = Report {
        header: parts.next().flatten(),
        claims: parts.next().flatten(),
        accepted: refused.is_none(),
        verdict,
    };
    let mut text = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?;
    text.push('\n');
    Ok(Inspected { text, refused })
}

fn verdict(keys: &Keys, standing: &Standing, token: &str, now: Timestamp) -> Verdict {
    let accepted = check(keys, standing, token, now);
    accepted.map_or_else(|reason| Verdict::Refused { reason }, Verdict::Accepted)
}

fn check(keys: &Keys, standing: &Standing, token: &str, now: Timestamp) -> Result<Holder, String> {
    let verified = keys
        .authority
        .verifier
        .verify(token, now)
        .map_err(|error| reason(keys, error))?;
    let profile = standing
        .profile(&verified)
        .map_err(|_revoked| ended(standing, &verified))?;
    let written = |at: Timestamp| {
        let at = i64::try_from(at.millis())
            .ok()
            .map(jiff::Timestamp::from_millisecond);
        at.and_then(Result::ok).map(|at| at.to_string())
    };
    Ok(Holder {
        issuer: issuer_name(keys, verified.issuer.0),
        user_id: profile.user.map(|user| user.to_string()),
        name: profile.name,
        session: profile.session,
        roles: profile.roles,
        permissions: profile.permissions,
        expires_at: profile.expires_at.and_then(written),
    })
}

/// Why a token is refused that is valid by itself.
pub(super) fn ended(standing: &Standing, verified: &Verified) -> String {
    if standing.revocations.is_revoked(&verified.principal) {
        "it was revoked".to_owned()
    } else {
        "its user is disabled or was removed".to_owned()
    }
}

/// Why a token proves nobody, as a sentence.
pub(super) fn reason(keys: &Keys, error: TokenError) -> String {
    match error {
        TokenError::Expired => "it has expired".to_owned(),
        TokenError::Invalid(fault) => fault_text(fault).to_owned(),
        TokenError::Payload => {
            "sub, sid, roles, permissions or scopes are missing, empty or of a wrong type"
                .to_owned()
        }
        TokenError::Revoked => "it was revoked".to_owned(),
        TokenError::UnknownKey { issuer } => format!(
            "issuer {}: its keys come from a URL, which only the server asks",
            issuer_name(keys, issuer.0)
        ),
    }
}

const fn fault_text(fault: TokenFault) -> &'static str {
    match fault {
        TokenFault::Algorithm => "alg is missing or not one that is accepted",
        TokenFault::Audience => "aud is not auth.audience, or not one of the issuer's",
        TokenFault::Base64 => "a part is not base64url without padding",
        TokenFault::Header => "the header has a member that no access token may have, such as jku",
        TokenFault::IssuedLater => "iat is in the future",
        TokenFault::Issuer => "iss is no configured issuer",
        TokenFault::Json => "header or claims are no JSON object, or have a member twice",
        TokenFault::Key => "no key has this kid and takes this alg",
        TokenFault::NotYet => "nbf is in the future",
        TokenFault::Party => "azp is not in the issuer's list",
        TokenFault::Pending => "sts is pending: the sign-in is not complete",
        TokenFault::Shape => "it is not three parts with dots between",
        TokenFault::Signature => "the signature does not fit the key: signed with another one",
        TokenFault::Size => "it is longer than 8 KiB",
        TokenFault::Time => "exp is missing, or a time is no number of seconds",
        TokenFault::Type => "typ is not that of an access token",
    }
}

/// As the configuration names it.
fn issuer_name(keys: &Keys, issuer: u16) -> String {
    let configured = usize::from(issuer).checked_sub(1);
    let configured = configured.and_then(|index| keys.setup.config.auth.issuers.get(index));
    configured.map_or_else(|| "own".to_owned(), |issuer| issuer.name.clone())
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
