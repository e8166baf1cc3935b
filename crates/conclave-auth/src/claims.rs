//! The claims of a token whose signature is good, to a principal.

use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::{
    FamilyId, Principal, SessionId, SessionKind, SessionName, Timestamp, TokenId, UserId,
};

use crate::access::Carried;
use crate::issuer::Issuer;
use crate::json::{Object, Value};
use crate::token::TokenFault;
use crate::verifier::TokenError;

/// Checks times, audience, party and status (RFC 7519 section 4.1, RFC 8725 section 3); gives
/// `iat` and the end with leeway.
pub(crate) fn check(
    claims: &Object<'_>,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Timestamp), TokenError> {
    let expires_at = time(claims, "exp")?.ok_or(TokenError::Invalid(TokenFault::Time))?;
    let not_before = time(claims, "nbf")?;
    let issued_at = issued_at(claims, issuer)?;
    let end = expires_at.plus(issuer.leeway);
    if end <= now {
        return Err(TokenError::Expired);
    }
    let soon = now.plus(issuer.leeway);
    if not_before.is_some_and(|start| start > soon) {
        return Err(TokenError::Invalid(TokenFault::NotYet));
    }
    // One from the future would outlive revocations by moment. A second is for clocks that
    // round up.
    if issued_at.is_some_and(|at| at > soon.max(now.plus(Duration::from_secs(1)))) {
        return Err(TokenError::Invalid(TokenFault::IssuedLater));
    }
    if !issuer.aud.is_empty() && !is_meant_for(claims.member("aud"), &issuer.aud) {
        return Err(TokenError::Invalid(TokenFault::Audience));
    }
    if !issuer.azp.is_empty() && !is_from_party(claims.member("azp"), &issuer.azp) {
        return Err(TokenError::Invalid(TokenFault::Party));
    }
    if issuer.refuses_pending
        && !matches!(claims.member("sts"), None | Some(Value::Null))
        && claims.text("sts").is_none_or(|status| status == "pending")
    {
        return Err(TokenError::Invalid(TokenFault::Pending));
    }
    Ok((issued_at, end))
}

/// `iat`, in own tokens with the milliseconds of `ims`.
fn issued_at(claims: &Object<'_>, issuer: &Issuer) -> Result<Option<Timestamp>, TokenError> {
    let issued_at = time(claims, "iat")?;
    if issuer.id.0 != 0 {
        return Ok(issued_at);
    }
    let millis = match claims.member("ims") {
        None => return Ok(issued_at),
        // A `NumericDate` of so many seconds has as many whole parts as `ims` has milliseconds.
        Some(Value::Number(millis)) if (0.0..1000.0).contains(millis) => {
            time(claims, "ims")?.map_or(0, Timestamp::seconds)
        }
        Some(_) => return Err(TokenError::Invalid(TokenFault::Time)),
    };
    Ok(issued_at.map(|at| at.plus(Duration::from_millis(millis))))
}

/// A `NumericDate`: seconds since 1970, fractions allowed (RFC 7519, section 2).
fn time(claims: &Object<'_>, name: &str) -> Result<Option<Timestamp>, TokenError> {
    match claims.member(name) {
        None => Ok(None),
        Some(Value::Number(seconds)) if (0.0..=SECONDS_MAX).contains(seconds) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "at most 2.6e14, not negative, not NaN: the range was just checked"
            )]
            let millis = (seconds * 1000.0).round() as u64;
            Ok(Some(Timestamp::from_millis(millis)))
        }
        Some(_) => Err(TokenError::Invalid(TokenFault::Time)),
    }
}

fn is_meant_for(aud: Option<&Value<'_>>, accepted: &[String]) -> bool {
    let is_accepted = |one: &str| accepted.iter().any(|own| own == one);
    match aud {
        Some(Value::Text(one)) => is_accepted(one),
        Some(list @ Value::List(_)) => list
            .texts()
            .is_some_and(|list| list.into_iter().any(is_accepted)),
        _ => false,
    }
}

/// Whether `azp` is in the list, which has an empty text where tokens may come without.
fn is_from_party(azp: Option<&Value<'_>>, accepted: &[String]) -> bool {
    let azp = match azp {
        None | Some(Value::Null) => "",
        Some(Value::Text(azp)) if !azp.is_empty() => azp,
        Some(_) => return false,
    };
    accepted.iter().any(|known| known == azp)
}

/// What the claims say of the holder, all but what they may do.
pub(crate) fn principal(
    claims: &Object<'_>,
    issuer: &Issuer,
    token: TokenId,
    (issued_at, expires_at): (Option<Timestamp>, Timestamp),
) -> Result<Principal, TokenError> {
    let sub = claims
        .text(&issuer.claims.user)
        .filter(|sub| !sub.is_empty());
    let sub = sub.ok_or(TokenError::Payload)?;
    let user = if issuer.user_prefix.is_empty() {
        UserId::new(sub)
    } else {
        UserId::new(&[&issuer.user_prefix, sub].concat())
    };
    let user = user.map_err(|_unfit| TokenError::Payload)?;
    let sid = match claims.member(&issuer.claims.session) {
        None | Some(Value::Null) => None,
        Some(Value::Text(sid)) => Some(&**sid),
        Some(_) => return Err(TokenError::Payload),
    };
    let session = session(issuer, sid, sub, &user).ok_or(TokenError::Payload)?;
    Ok(Principal {
        session,
        session_named_by_token: sid.is_some(),
        name: display_name(claims, issuer),
        grants: Arc::default(),
        token: Some(token),
        family: family(claims, issuer)?,
        issued_at,
        expires_at: Some(expires_at),
        user: Some(user),
    })
}

fn session(issuer: &Issuer, sid: Option<&str>, sub: &str, user: &UserId) -> Option<SessionId> {
    let is_own = |sid: &str| {
        sid.strip_prefix("session-")
            .is_some_and(|name| name == sub || name == user.as_str())
    };
    let (kind, name) = match sid {
        Some(sid) if !is_own(sid) => (SessionKind::Named, sid),
        _ => (SessionKind::Default, user.as_str()),
    };
    Some(SessionId {
        kind,
        issuer: issuer.id,
        name: SessionName::new(name).ok()?,
    })
}

/// A name that is no text of 1 to 255 bytes without control characters is not shown.
fn display_name(claims: &Object<'_>, issuer: &Issuer) -> Option<Arc<str>> {
    let name = issuer
        .claims
        .name
        .iter()
        .find_map(|name| claims.text(name))?;
    let is_fit = !name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control);
    is_fit.then(|| Arc::from(name))
}

/// `fid`: 32 hexadecimal digits, in own tokens only.
fn family(claims: &Object<'_>, issuer: &Issuer) -> Result<Option<FamilyId>, TokenError> {
    if issuer.id.0 != 0 {
        return Ok(None);
    }
    match claims.member("fid") {
        None => Ok(None),
        Some(Value::Text(hex)) => family_from_hex(hex).map(Some).ok_or(TokenError::Payload),
        Some(_) => Err(TokenError::Payload),
    }
}

fn family_from_hex(hex: &str) -> Option<FamilyId> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hex.len() != 32 || !hex.bytes().all(is_hex) {
        return None;
    }
    u128::from_str_radix(hex, 16)
        .ok()
        .map(|number| FamilyId(number.to_be_bytes()))
}

/// Roles, permissions and scopes. Wrongly typed ones are refused: to leave them out could give
/// more than they say.
pub(crate) fn carried<'a>(
    claims: &'a Object<'_>,
    issuer: &Issuer,
) -> Result<Carried<'a>, TokenError> {
    let one = |text: &'a str| vec![text];
    Ok(Carried {
        roles: list(claims, &issuer.claims.roles, Some(one))?,
        permissions: list(claims, &issuer.claims.permissions, None)?,
        scopes: list(
            claims,
            &issuer.claims.scopes,
            Some(|text| text.split_ascii_whitespace().collect()),
        )?
        .unwrap_or_default(),
    })
}

/// The first claim of `names` that is there: a list of texts, or, where `from_text` says how,
/// one text.
fn list<'a>(
    claims: &'a Object<'_>,
    names: &[String],
    from_text: Option<fn(&'a str) -> Vec<&'a str>>,
) -> Result<Option<Vec<&'a str>>, TokenError> {
    let found = names.iter().find_map(|name| {
        claims
            .member(name)
            .filter(|value| !matches!(value, Value::Null))
    });
    match (found, from_text) {
        (None, _) => Ok(None),
        (Some(Value::Text(text)), Some(from_text)) => Ok(Some(from_text(text))),
        (Some(value), _) => value.texts().map(Some).ok_or(TokenError::Payload),
    }
}

/// The last second of the year 9999. Milliseconds taken for seconds are beyond it.
const SECONDS_MAX: f64 = 253_402_300_799.0;
