//! ERC-20: what to ask of a token's contract, and what its answers say.

use std::sync::Arc;

use conclave_core::Call;
use conclave_protocol::{Amount, WalletAddress};

/// What a token says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) symbol: Arc<str>,
    pub(crate) decimals: u8,
}

/// An ERC-20 token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// Its contract.
    pub address: WalletAddress,
    /// As it calls itself; up to 32 characters, empty where it says nothing.
    pub symbol: Arc<str>,
    /// How many digits stand behind the point.
    pub decimals: u8,
}

/// `decimals()` and `symbol()`.
pub(crate) fn introduction(token: WalletAddress) -> [Call; 2] {
    [DECIMALS, SYMBOL].map(|selector| Call {
        to: token,
        data: selector.to_vec(),
    })
}

/// `balanceOf(address)`.
pub(crate) fn balance_of(token: WalletAddress, of: WalletAddress) -> Call {
    let mut data = BALANCE_OF.to_vec();
    data.extend_from_slice(&[0; 12]);
    data.extend_from_slice(&of.0);
    Call { to: token, data }
}

/// From the answers to [`introduction`]; `None` where the contract is no such token.
pub(crate) fn introduced(decimals: Option<&[u8]>, symbol: Option<&[u8]>) -> Option<Token> {
    // Both are optional in ERC-20, but an account without code answers nothing at all.
    let decimals = match decimals? {
        [] => return None,
        word => amount(word)?,
    };
    let (rest, [decimals]) = decimals.0.split_last_chunk::<1>()?;
    if rest.iter().any(|byte| *byte != 0) {
        return None;
    }
    let symbol = symbol.and_then(text).unwrap_or_default();
    let plain = symbol.chars().filter(|c| !c.is_control());
    let symbol: String = plain.take(SYMBOL_CHARS_MAX).collect();
    Some(Token {
        symbol: symbol.into(),
        decimals: *decimals,
    })
}

/// A word of 32 bytes at the beginning.
pub(crate) fn amount(answer: &[u8]) -> Option<Amount> {
    answer.first_chunk::<32>().copied().map(Amount)
}

/// A text as contracts return it today (`string`), or as some did (`bytes32`).
fn text(answer: &[u8]) -> Option<String> {
    if answer.len() == 32 {
        let end = answer.iter().position(|byte| *byte == 0).unwrap_or(32);
        return String::from_utf8(answer.get(..end)?.to_vec()).ok();
    }
    let at = place(answer.get(..32)?)?;
    let length = place(answer.get(at..at.checked_add(32)?)?)?;
    let begin = at.checked_add(32)?;
    let bytes = answer.get(begin..begin.checked_add(length)?)?;
    String::from_utf8(bytes.to_vec()).ok()
}

fn place(word: &[u8]) -> Option<usize> {
    let (rest, last) = word.split_last_chunk::<4>()?;
    let small = rest.iter().all(|byte| *byte == 0);
    small
        .then(|| u32::from_be_bytes(*last))
        .and_then(|place| usize::try_from(place).ok())
}

const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];
const DECIMALS: [u8; 4] = [0x31, 0x3c, 0xe5, 0x67];
const SYMBOL: [u8; 4] = [0x95, 0xd8, 0x9b, 0x41];
const SYMBOL_CHARS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn word(number: u64) -> Vec<u8> {
        Amount::from(number).0.to_vec()
    }

    fn string(text: &[u8]) -> Vec<u8> {
        let mut answer = [word(32), word(text.len() as u64), text.to_vec()].concat();
        answer.resize(answer.len().next_multiple_of(32), 0);
        answer
    }

    #[test]
    fn tokens_introduce_themselves() {
        let mut old = b"MKR".to_vec();
        old.resize(32, 0);
        for (symbol, expected) in [
            (string(b"USDC"), "USDC"),
            (old, "MKR"),
            (string(b"a\nb\0"), "ab"),
            (string(&[0xff, 0xfe]), ""),
            (string(&[b'x'; 100]), &"x".repeat(32)),
            (vec![0xff; 96], ""),
            (word(5), ""),
        ] {
            let token = introduced(Some(&word(6)), Some(&symbol)).unwrap();
            assert_eq!(
                (&*token.symbol, token.decimals),
                (expected, 6),
                "{symbol:?}"
            );
        }
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        assert_eq!(introduced(None, None), None);
        assert_eq!(introduced(Some(&[]), Some(&[])), None);
        assert_eq!(introduced(Some(&word(256)), None), None);
        assert!(introduced(Some(&word(0)), None).is_some());
    }
}
