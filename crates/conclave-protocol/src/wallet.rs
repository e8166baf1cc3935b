//! Words of wallet feeds: addresses, amounts, what is watched and what is told of it.

use std::fmt;
use std::sync::Arc;

use crate::UserId;

/// An account or contract of an Ethereum chain. Written as `0x` and 40 lower-case digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WalletAddress(pub [u8; 20]);

/// The name of a block or transaction. Written as `0x` and 64 lower-case digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainHash(pub [u8; 32]);

/// A whole number of 256 bits, the highest byte first: wei, or the smallest unit of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount(pub [u8; 32]);

/// A text is not `0x` and as many hexadecimal digits as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HexError;

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be 0x and hexadecimal digits, 40 for an address")
    }
}

impl std::error::Error for HexError {}

impl WalletAddress {
    /// Reads `0x` and 40 digits in any case.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, HexError> {
        digits(text).map(Self)
    }
}

impl ChainHash {
    /// Reads `0x` and 64 digits in any case.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, HexError> {
        digits(text).map(Self)
    }
}

impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&value.to_be_bytes());
        Self(bytes)
    }
}

impl Amount {
    /// The amount in units of 10^`decimals`, exact, without zeros at the end: `1.5`, `0`, `12`.
    #[must_use]
    pub fn scaled(self, decimals: u8) -> String {
        let digits = self.to_string();
        let decimals = usize::from(decimals);
        let padded = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, part) = padded.split_at(padded.len() - decimals);
        match part.trim_end_matches('0') {
            "" => whole.to_owned(),
            part => format!("{whole}.{part}"),
        }
    }
}

impl fmt::Display for Amount {
    /// All digits, in decimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 256 bits as eight words, divided by 10^9 until nothing is left.
        let mut words = [0_u32; 8];
        for (word, bytes) in words.iter_mut().zip(self.0.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        let mut parts = Vec::new();
        while words.iter().any(|word| *word != 0) {
            let mut rest = 0_u64;
            for word in &mut words {
                let dividend = rest << 32 | u64::from(*word);
                *word = u32::try_from(dividend / BILLION).unwrap_or(u32::MAX);
                rest = dividend % BILLION;
            }
            parts.push(rest);
        }
        write!(f, "{}", parts.pop().unwrap_or(0))?;
        parts
            .iter()
            .rev()
            .try_for_each(|part| write!(f, "{part:09}"))
    }
}

impl fmt::Display for WalletAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn digits<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let digits = text.strip_prefix("0x").ok_or(HexError)?.as_bytes();
    if digits.len() != N * 2 {
        return Err(HexError);
    }
    let value = |digit: u8| char::from(digit).to_digit(16).ok_or(HexError);
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let both = value(*high)? << 4 | value(*low)?;
        *byte = u8::try_from(both).unwrap_or(u8::MAX);
    }
    Ok(bytes)
}

/// What somebody wants to be told of. Equal watches share everything but the socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watch {
    /// What an account has, in the chain's own coin and in ERC-20 tokens.
    Balance {
        /// Whose.
        address: WalletAddress,
        /// Which tokens, in order, none twice.
        tokens: Box<[WalletAddress]>,
    },
    /// What a contract logs.
    Contract {
        /// Which contract.
        address: WalletAddress,
        /// One event, as `Transfer(address indexed from, address indexed to, uint256 value)`.
        event: Box<str>,
    },
    /// What an account sends and receives.
    Transactions {
        /// Whose.
        address: WalletAddress,
    },
}

/// Names a [`Watch`] on this node; 0 is the feed itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatchId(pub u64);

/// What is told of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalletEvent {
    /// What an account has.
    Balance(Balance),
    /// What a contract logged, or did not after all.
    Contract(ContractEvent),
    /// Whether the chain is being followed.
    Status(FeedStatus),
    /// What became of a transaction.
    Transaction(Transaction),
}

/// What an account has after a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub address: WalletAddress,
    /// Wei.
    pub native: Amount,
    /// In the order of the watch.
    pub tokens: Box<[TokenBalance]>,
    /// Which block, by number.
    pub block: u64,
    /// Which block.
    pub block_hash: ChainHash,
}

/// What an account has of an ERC-20 token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBalance {
    /// The token's contract.
    pub token: WalletAddress,
    /// As the contract calls itself; up to 32 characters, empty where it says nothing.
    pub symbol: Arc<str>,
    /// How many digits stand behind the point.
    pub decimals: u8,
    /// In the token's smallest unit.
    pub raw: Amount,
}

/// What a contract logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEvent {
    /// The contract.
    pub address: WalletAddress,
    /// The event's name.
    pub event: Box<str>,
    /// The arguments as the text of a JSON object.
    pub args: Box<str>,
    /// The transaction that caused it.
    pub transaction: ChainHash,
    /// Its place among the logs of its block.
    pub log_index: u64,
    /// Its block.
    pub block: u64,
    /// Whether its block is no part of the chain any more.
    pub removed: bool,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its name.
    pub hash: ChainHash,
    /// Who sent it.
    pub from: WalletAddress,
    /// To whom; `None` where it makes a contract.
    pub to: Option<WalletAddress>,
    /// Wei.
    pub value: Amount,
    /// What became of it.
    pub status: TransactionStatus,
    /// Its block, `None` while pending.
    pub block: Option<u64>,
    /// How many blocks say so: 1 for its own, 0 where there is none.
    pub confirmations: u64,
    /// What it cost; `None` where unknown.
    pub gas_used: Option<u64>,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionStatus {
    /// In a block.
    Confirmed,
    /// In a block, without effect but its cost.
    Failed,
    /// Known, in no block yet.
    Pending,
    /// Its block is no part of the chain any more.
    Reorged,
}

impl TransactionStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Reorged => "reorged",
        }
    }
}

/// Whether the chain is being followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedStatus {
    /// The node of the chain is lost; nothing is told until it is back.
    Degraded,
    /// Everything up to the newest block was told.
    Live,
    /// More was missed than can be read again: only balances are what they should be.
    Resync,
}

impl FeedStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Live => "live",
            Self::Resync => "resync",
        }
    }
}

impl WalletEvent {
    /// About how many bytes it holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Balance(balance) => balance.tokens.len() * size_of::<TokenBalance>(),
                Self::Contract(event) => event.args.len() + event.event.len(),
                Self::Status(_) | Self::Transaction(_) => 0,
            }
    }
}

/// Asks to be told of wallets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalletCommand {
    /// What wallets have.
    Balance {
        /// One address; `None` for the user's own.
        address: Option<WalletAddress>,
        /// Which tokens, in order, none twice.
        tokens: Box<[WalletAddress]>,
    },
    /// What a contract logs.
    Contract {
        /// The contract.
        address: WalletAddress,
        /// Which events.
        events: Box<[Box<str>]>,
    },
    /// What wallets send and receive.
    Transactions {
        /// One address; `None` for the user's own.
        address: Option<WalletAddress>,
    },
    /// To be told no more.
    Unwatch {
        /// The subscription.
        subscription: u64,
    },
}

/// The answer to a [`WalletCommand`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletReply {
    /// The subscription, as the connection numbers them.
    pub subscription: u64,
    /// What it is about; empty where it ended.
    pub addresses: Vec<WalletAddress>,
}

/// A wallet that somebody has shown to be theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Whose.
    pub user: UserId,
    /// The account.
    pub address: WalletAddress,
    /// EIP-155.
    pub chain_id: u64,
    /// When it was shown.
    pub linked_at: crate::Timestamp,
}

const BILLION: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_exactly() {
        let check = |amount: Amount, decimals, expected: &str| {
            assert_eq!(amount.scaled(decimals), expected);
        };
        check(Amount::from(0), 18, "0");
        check(Amount::from(1), 18, "0.000000000000000001");
        check(Amount::from(1_500_000_000_000_000_000), 18, "1.5");
        check(Amount::from(12), 0, "12");
        check(Amount::from(1_000_000), 6, "1");
        check(Amount::from(u64::MAX), 255, &{
            let digits = u64::MAX.to_string();
            format!("0.{}{digits}", "0".repeat(255 - digits.len()))
        });
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(Amount([0xff; 32]).to_string(), most);
        let mut billion = [0; 32];
        billion[24..].copy_from_slice(&1_000_000_000_000_000_001_u64.to_be_bytes());
        assert_eq!(Amount(billion).to_string(), "1000000000000000001");
    }

    #[test]
    fn addresses_are_read_in_any_case_and_written_in_one() {
        let text = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";
        let address = WalletAddress::parse(text).unwrap();
        assert_eq!(address.to_string(), text.to_lowercase());
        for wrong in [
            "",
            "0x",
            "0x12",
            &text[2..],
            "0xg8dA6BF26964aF9D7eEd9e03E53415D37aA96045",
        ] {
            assert_eq!(WalletAddress::parse(wrong), Err(HexError), "{wrong}");
        }
        assert_eq!(WalletAddress::parse(&format!("{text}00")), Err(HexError));
        assert_eq!(
            WalletAddress::parse("0x+8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
            Err(HexError)
        );
    }
}
