//! The parts of a compact JWS (RFC 7515), before anything in it is believed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;

use crate::algorithm::Algorithm;
use crate::json::{Object, Value};

/// Why a token is not valid; for logs, the audit and tests. Clients see none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// `alg` is missing, `none`, or not known here.
    Algorithm,
    /// `aud` names none of ours.
    Audience,
    /// A part is not canonical base64url without padding.
    Base64,
    /// A header member that changes how a token is read or where its key comes from: `crit`,
    /// `b64`, `jku`, `jwk`, `x5c`, `x5u`, `enc`, `zip`.
    Header,
    /// It was issued in the future.
    IssuedLater,
    /// Its `iss` is no configured issuer.
    Issuer,
    /// Header or claims are not a JSON object, or a name occurs twice.
    Json,
    /// No key of the issuer has this `kid` and may be used with this `alg`.
    Key,
    /// Its `nbf` is in the future.
    NotYet,
    /// `azp` is not in the issuer's list.
    Party,
    /// Its `sts` is `pending`.
    Pending,
    /// Not three parts.
    Shape,
    /// The signature is not the key's.
    Signature,
    /// More than 8 KiB.
    Size,
    /// `exp` is missing, or a time is no number from 0 to the end of the year 9999.
    Time,
    /// `typ` is not that of an access token.
    Type,
}

/// A token taken apart.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// Header, `.`, claims: what is signed.
    pub(crate) signed: &'a [u8],
    /// Still in base64url: see [`Headers`].
    pub(crate) header: &'a str,
    pub(crate) claims: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// What a checked header says.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Box<str>>,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::Size);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Shape)?;
        if claims.contains('.') || header.is_empty() || claims.is_empty() || signature.is_empty() {
            return Err(TokenFault::Shape);
        }
        Ok(Self {
            signed: signed.as_bytes(),
            header,
            claims: decode(claims)?,
            signature: decode(signature)?,
        })
    }
}

/// Headers of tokens whose signatures were good, by their text: all tokens of one key have the
/// same. Holds four at most; a newcomer takes the place of whoever had its slot.
#[derive(Debug, Default)]
pub(crate) struct Headers([Mutex<Option<Known>>; SLOTS]);

type Known = (Box<str>, Arc<Header>);

impl Headers {
    /// The header that this text is.
    pub(crate) fn read(&self, text: &str) -> Result<Arc<Header>, TokenFault> {
        if let Some(slot) = self.slot(text)
            && let Some((known, header)) = &*slot.lock()
            && **known == *text
        {
            return Ok(Arc::clone(header));
        }
        Header::parse(&decode(text)?).map(Arc::new)
    }

    /// Keeps a header, which only a good signature may have it do: strangers would drive out
    /// what is of use.
    pub(crate) fn keep(&self, text: &str, header: &Arc<Header>) {
        let Some(mut slot) = self.slot(text).map(Mutex::lock) else {
            return;
        };
        let is_known = slot.as_ref().is_some_and(|(known, _)| **known == *text);
        if !is_known && text.len() <= KEPT_BYTES_MAX {
            *slot = Some((text.into(), Arc::clone(header)));
        }
    }

    fn slot(&self, text: &str) -> Option<&Mutex<Option<Known>>> {
        self.0.get(text.len() % SLOTS)
    }
}

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, TokenFault> {
        let header = Object::parse(bytes).ok_or(TokenFault::Json)?;
        if REFUSED.iter().any(|name| header.member(name).is_some()) {
            return Err(TokenFault::Header);
        }
        let algorithm = header
            .text("alg")
            .and_then(Algorithm::named)
            .ok_or(TokenFault::Algorithm)?;
        let is_access_token = match header.member("typ") {
            None => true,
            Some(Value::Text(typ)) => TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ)),
            Some(_) => false,
        };
        if !is_access_token || header.member("cty").is_some() {
            return Err(TokenFault::Type);
        }
        let kid = match header.member("kid") {
            None => None,
            Some(Value::Text(kid)) if kid.len() <= KID_BYTES_MAX => Some(Box::from(&**kid)),
            Some(_) => return Err(TokenFault::Key),
        };
        Ok(Self { algorithm, kid })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_undecodable| TokenFault::Base64)
}

const SLOTS: usize = 4;
const KEPT_BYTES_MAX: usize = 512;
const TOKEN_BYTES_MAX: usize = 8 * 1024;
const KID_BYTES_MAX: usize = 256;
/// RFC 7515 section 4.1, RFC 7516 section 4.1, RFC 7797.
const REFUSED: [&str; 8] = ["crit", "b64", "jku", "jwk", "x5c", "x5u", "enc", "zip"];
/// RFC 7519 section 5.1, RFC 9068 section 2.1.
const TYPES: [&str; 4] = ["JWT", "application/jwt", "at+jwt", "application/at+jwt"];
