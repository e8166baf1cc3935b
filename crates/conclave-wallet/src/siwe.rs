//! Sign-In with Ethereum (EIP-4361): a text that a wallet signs to show whose it is.
//!
//! The text is read strictly: every line where the document has it, nothing else, and an address
//! in the case of its checksum (EIP-55). What it says is then compared with what was expected.

use std::fmt;

use alloy_primitives::{Address, Signature, eip191_hash_message};
use conclave_core::{Call, Chain, ChainFault};
use conclave_protocol::{ChainHash, Timestamp, WalletAddress};

/// A text as EIP-4361 has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInMessage {
    /// Who asked for it, with a scheme where it said one.
    pub scheme: Option<Box<str>>,
    /// The authority that asked: host, and port where it is not the usual one.
    pub domain: Box<str>,
    /// The account that signs.
    pub address: WalletAddress,
    /// What it is for, in the words of a person.
    pub statement: Option<Box<str>>,
    /// What it is for.
    pub uri: Box<str>,
    /// EIP-155.
    pub chain_id: u64,
    /// At least eight letters and digits.
    pub nonce: Box<str>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// From when it counts no more.
    pub expires_at: Option<Timestamp>,
    /// Before when it does not count.
    pub not_before: Option<Timestamp>,
}

/// What a text has to say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// One of these asked: each a host, with the port where it is not the usual one.
    pub domains: &'a [String],
    /// What it is for; `None` for any page of its domain.
    pub uri: Option<&'a str>,
    /// EIP-155.
    pub chain_id: u64,
    /// Now.
    pub now: Timestamp,
    /// How old it may be, in milliseconds.
    pub age_millis: u64,
}

/// Why a text does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiweError {
    /// It was signed for another chain.
    ChainId,
    /// Somebody else asked for it.
    Domain,
    /// It counts no more.
    Expired,
    /// It is not of the form of EIP-4361; says which line.
    Malformed(&'static str),
    /// It does not count yet, or was made in the future.
    NotYet,
    /// It was not signed by that account.
    Signature,
    /// It is for another site than that which asked.
    Uri,
}

impl fmt::Display for SiweError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChainId => "the message is for another chain",
            Self::Domain => "the message is for another domain",
            Self::Expired => "the message has expired",
            Self::Malformed(line) => return write!(f, "not a message of EIP-4361: {line}"),
            Self::NotYet => "the message is not valid yet",
            Self::Signature => "the signature is not that of the address",
            Self::Uri => "the message is for another URI",
        })
    }
}

impl std::error::Error for SiweError {}

impl SignInMessage {
    /// Reads a text of at most 4,096 bytes.
    ///
    /// # Errors
    /// [`SiweError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, SiweError> {
        if text.len() > TEXT_BYTES_MAX || text.contains('\r') {
            return Err(SiweError::Malformed("too long, or with carriage returns"));
        }
        let mut lines = text.split('\n').peekable();
        let first = lines.next().and_then(|line| line.strip_suffix(FIRST_END));
        let first = first.ok_or(SiweError::Malformed("the first line"))?;
        let (scheme, domain) = match first.split_once("://") {
            Some((scheme, domain)) => (Some(scheme.into()), domain),
            None => (None, first),
        };
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"/?#@".contains(&byte);
        if domain.is_empty() || !domain.bytes().all(plain) {
            return Err(SiweError::Malformed("the domain"));
        }
        let address = lines.next().and_then(checksummed);
        let address = address.ok_or(SiweError::Malformed("the address, or its checksum"))?;
        let empty = Err(SiweError::Malformed(
            "an empty line before and after the statement",
        ));
        if lines.next() != Some("") {
            return empty;
        }
        // With a statement there is an empty line on both sides; without, two or, with some
        // wallets, one.
        let statement = match lines.next_if(|line| !line.starts_with("URI: ")) {
            None | Some("") => None,
            Some(statement) => {
                if lines.next() != Some("") {
                    return empty;
                }
                Some(statement.into())
            }
        };
        Self {
            scheme,
            domain: domain.into(),
            address,
            statement,
            uri: "".into(),
            chain_id: 0,
            nonce: "".into(),
            issued_at: Timestamp::default(),
            expires_at: None,
            not_before: None,
        }
        .with_fields(lines)
    }

    /// Reads the lines from `URI: ` on.
    fn with_fields<'a>(self, lines: impl Iterator<Item = &'a str>) -> Result<Self, SiweError> {
        let mut lines = lines.peekable();
        let mut field = |name: &'static str| {
            let line = lines.next_if(|line| line.starts_with(name));
            line.and_then(|line| line.strip_prefix(name))
                .map(str::trim_ascii_end)
        };
        let uri = field("URI: ").ok_or(SiweError::Malformed("URI"))?.into();
        if field("Version: ") != Some("1") {
            return Err(SiweError::Malformed("Version"));
        }
        let chain_id = field("Chain ID: ").and_then(|id| id.parse().ok());
        let chain_id = chain_id.ok_or(SiweError::Malformed("Chain ID"))?;
        let nonce = field("Nonce: ").filter(|nonce| is_nonce(nonce));
        let nonce = nonce.ok_or(SiweError::Malformed("Nonce"))?.into();
        let issued_at = field("Issued At: ").ok_or(SiweError::Malformed("Issued At"))?;
        let issued_at = time(issued_at, "Issued At")?;
        let expires_at = field("Expiration Time: ");
        let expires_at = expires_at
            .map(|at| time(at, "Expiration Time"))
            .transpose()?;
        let not_before = field("Not Before: ");
        let not_before = not_before.map(|at| time(at, "Not Before")).transpose()?;
        field("Request ID: ");
        if lines.next_if_eq(&"Resources:").is_some() {
            while lines.next_if(|line| line.starts_with("- ")).is_some() {}
        }
        if lines.next().is_some() {
            return Err(SiweError::Malformed("lines in another order, or unknown"));
        }
        Ok(Self {
            uri,
            chain_id,
            nonce,
            issued_at,
            expires_at,
            not_before,
            ..self
        })
    }

    /// Compares it with what it has to say. The nonce is for the store to compare.
    ///
    /// # Errors
    /// What it says otherwise.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), SiweError> {
        let own = |domain: &String| domain.eq_ignore_ascii_case(&self.domain);
        if !expected.domains.iter().any(own) {
            return Err(SiweError::Domain);
        }
        let (scheme, rest) = self.uri.split_once("://").ok_or(SiweError::Uri)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let schemes_agree = self.scheme.as_ref().is_none_or(|own| **own == *scheme);
        let web = ["https", "http"].contains(&scheme);
        if !authority.eq_ignore_ascii_case(&self.domain) || !schemes_agree || !web {
            return Err(SiweError::Uri);
        }
        let bare = |uri: &str| uri.trim_end_matches('/').to_owned();
        if expected.uri.is_some_and(|uri| bare(uri) != bare(&self.uri)) {
            return Err(SiweError::Uri);
        }
        if self.chain_id != expected.chain_id {
            return Err(SiweError::ChainId);
        }
        let now = expected.now.millis();
        let too_new = self.issued_at.millis() > now.saturating_add(SKEW_MILLIS);
        if too_new || self.not_before.is_some_and(|from| from.millis() > now) {
            return Err(SiweError::NotYet);
        }
        let old = now.saturating_sub(self.issued_at.millis()) > expected.age_millis;
        if old || self.expires_at.is_some_and(|until| until.millis() <= now) {
            return Err(SiweError::Expired);
        }
        Ok(())
    }
}

/// Reads a signature: `0x` and up to 8,192 hexadecimal digits.
///
/// # Errors
/// Anything else.
pub fn signature(text: &str) -> Result<Vec<u8>, SiweError> {
    let digits = text
        .strip_prefix("0x")
        .filter(|digits| digits.len() <= SIGNATURE_BYTES_MAX * 2);
    let bytes = digits.and_then(|digits| alloy_primitives::hex::decode(digits).ok());
    bytes.ok_or(SiweError::Malformed("the signature"))
}

/// Whether this account signed the text: by its own key, or, where it is a contract, by what that
/// says itself (EIP-1271) after the block `at`.
///
/// # Errors
/// [`ProofError::Chain`] where a contract had to be asked and did not answer.
pub async fn prove(
    text: &str,
    signature: &[u8],
    address: WalletAddress,
    chain: Option<(&dyn Chain, ChainHash)>,
) -> Result<(), ProofError> {
    if signature.len() > SIGNATURE_BYTES_MAX {
        return Err(SiweError::Signature.into());
    }
    let hash = eip191_hash_message(text.as_bytes());
    if signature.len() == 65
        && let Ok(read) = Signature::from_raw(signature)
        // The same signature has two forms; only one counts, here as on the chain (EIP-2).
        && read.normalize_s().is_none()
        && let Ok(signer) = read.recover_address_from_prehash(&hash)
        && signer == Address::from(address.0)
    {
        return Ok(());
    }
    let Some((chain, at)) = chain else {
        return Err(SiweError::Signature.into());
    };
    let call = Call {
        to: address,
        data: is_valid_signature(hash.0, signature),
    };
    let answers = chain.calls(at, &[call]).await?;
    match answers.into_iter().next().flatten() {
        // A word whose first four bytes are the magic value, and nothing but zeros behind.
        Some(answer) if answer.len() == 32 && answer.starts_with(&VALID_SIGNATURE) => Ok(()),
        _ => Err(SiweError::Signature.into()),
    }
}

/// Why a signature is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// It is not that of the account.
    #[error(transparent)]
    Signature(#[from] SiweError),
}

/// `isValidSignature(bytes32,bytes)`.
fn is_valid_signature(hash: [u8; 32], signature: &[u8]) -> Vec<u8> {
    let word = |number: usize| {
        let mut word = [0; 32];
        let number = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
        word[24..].copy_from_slice(&number);
        word
    };
    let mut data = VALID_SIGNATURE.to_vec();
    data.extend_from_slice(&hash);
    data.extend_from_slice(&word(64));
    data.extend_from_slice(&word(signature.len()));
    data.extend_from_slice(signature);
    data.resize(4 + 96 + signature.len().next_multiple_of(32), 0);
    data
}

/// The address as EIP-55 writes it: the case of its letters is a checksum.
#[must_use]
pub fn with_checksum(address: WalletAddress) -> String {
    Address::from(address.0).to_checksum(None)
}

/// An address as EIP-55 writes it.
fn checksummed(text: &str) -> Option<WalletAddress> {
    let address = Address::parse_checksummed(text, None).ok()?;
    Some(WalletAddress(address.0.0))
}

fn is_nonce(text: &str) -> bool {
    (8..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn time(text: &str, name: &'static str) -> Result<Timestamp, SiweError> {
    let moment = text.parse::<jiff::Timestamp>().ok();
    let millis = moment.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    millis
        .map(Timestamp::from_millis)
        .ok_or(SiweError::Malformed(name))
}

const FIRST_END: &str = " wants you to sign in with your Ethereum account:";
const TEXT_BYTES_MAX: usize = 4096;
/// Contract wallets of many owners have long ones.
const SIGNATURE_BYTES_MAX: usize = 4096;
/// The clock of a browser may be so much ahead.
const SKEW_MILLIS: u64 = 60_000;
const VALID_SIGNATURE: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

#[cfg(test)]
mod tests;
