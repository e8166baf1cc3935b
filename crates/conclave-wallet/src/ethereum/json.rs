//! What a node of an Ethereum chain says, as shapes.

use std::borrow::Cow;

use conclave_core::{Block, BlockHead, Log, Outcome, Transfer};
use conclave_protocol::{Amount, ChainHash, Timestamp, TransactionStatus, WalletAddress};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One message: an answer, or something about a subscription.
#[derive(Deserialize)]
pub(super) struct Said<'a> {
    pub(super) id: Option<u64>,
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<Complaint<'a>>,
    #[serde(borrow)]
    pub(super) params: Option<Told<'a>>,
}

/// An error of JSON-RPC 2.0.
#[derive(Deserialize)]
pub(super) struct Complaint<'a> {
    pub(super) code: i64,
    #[serde(borrow)]
    pub(super) message: Cow<'a, str>,
}

/// `{"subscription":"0x…","result":…}`.
#[derive(Deserialize)]
pub(super) struct Told<'a> {
    #[serde(borrow)]
    pub(super) subscription: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) result: &'a RawValue,
}

/// A number as `0x` and digits without zeros in front.
pub(super) struct Quantity(pub(super) Amount);

impl Quantity {
    fn small<E: serde::de::Error>(&self) -> Result<u64, E> {
        let (rest, last) = self
            .0
            .0
            .split_last_chunk::<8>()
            .ok_or_else(|| E::custom("no number"))?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(E::custom("a number above 2^64"));
        }
        Ok(u64::from_be_bytes(*last))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let number = text
            .strip_prefix("0x")
            .filter(|digits| (1..=64).contains(&digits.len()))
            .and_then(|digits| ChainHash::parse(&format!("0x{digits:0>64}")).ok());
        let number = number.ok_or_else(|| D::Error::custom("no number in hexadecimal digits"))?;
        Ok(Self(Amount(number.0)))
    }
}

/// A number below 2^64.
#[derive(Clone, Copy)]
pub(super) struct Small(pub(super) u64);

impl<'de> Deserialize<'de> for Small {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Quantity::deserialize(deserializer)?.small().map(Self)
    }
}

/// The name of a block or transaction, or a topic of a log.
#[derive(Clone, Copy)]
pub(super) struct Hash(pub(super) ChainHash);

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        ChainHash::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Account(WalletAddress);

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        WalletAddress::parse(&text)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

/// Any number of bytes.
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let bytes = alloy_primitives::hex::decode(text.as_ref());
        bytes.map(Self).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    number: Small,
    hash: Hash,
    parent_hash: Hash,
    timestamp: Small,
}

impl From<Head> for BlockHead {
    fn from(head: Head) -> Self {
        Self {
            number: head.number.0,
            hash: head.hash.0,
            parent: head.parent_hash.0,
            at: Timestamp::from_seconds(head.timestamp.0),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    head: Head,
    transactions: Vec<Signed>,
}

impl From<Whole> for Block {
    fn from(whole: Whole) -> Self {
        Self {
            head: whole.head.into(),
            transactions: whole.transactions.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Signed {
    hash: Hash,
    from: Account,
    to: Option<Account>,
    value: Quantity,
}

impl From<Signed> for Transfer {
    fn from(signed: Signed) -> Self {
        Self {
            hash: signed.hash.0,
            from: signed.from.0,
            to: signed.to.map(|to| to.0),
            value: signed.value.0,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub(super) block_hash: Hash,
    /// Absent before the year 2017.
    status: Option<Small>,
    gas_used: Small,
}

impl From<Receipt> for Outcome {
    fn from(receipt: Receipt) -> Self {
        let failed = receipt.status.is_some_and(|status| status.0 == 0);
        Self {
            status: match failed {
                true => TransactionStatus::Failed,
                false => TransactionStatus::Confirmed,
            },
            gas_used: receipt.gas_used.0,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logged {
    address: Account,
    topics: Vec<Hash>,
    data: Bytes,
    transaction_hash: Hash,
    log_index: Small,
    pub(super) block_hash: Hash,
}

impl From<Logged> for Log {
    fn from(logged: Logged) -> Self {
        Self {
            address: logged.address.0,
            topics: logged.topics.iter().map(|topic| topic.0.0).collect(),
            data: logged.data.0,
            transaction: logged.transaction_hash.0,
            index: logged.log_index.0,
        }
    }
}
