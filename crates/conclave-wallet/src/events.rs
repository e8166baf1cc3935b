//! Logs of contracts, decoded by what people write: `Transfer(address indexed,address indexed,uint256)`.

use std::fmt;

use alloy_dyn_abi::{DynSolValue, EventExt as _, Specifier as _};
use alloy_json_abi::Event;
use alloy_primitives::B256;
use conclave_core::Log;
use serde_json::{Map, Value};

/// An event as a person wrote it, ready to decode logs.
#[derive(Clone, Debug)]
pub struct ContractAbi {
    event: Event,
    text: Box<str>,
}

/// The text is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventError;

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an event reads like Transfer(address indexed from, address indexed to, uint256 value)",
        )
    }
}

impl std::error::Error for EventError {}

impl ContractAbi {
    /// Reads an event, with or without the word `event` in front and with or without names.
    ///
    /// # Errors
    /// It is none, is longer than 512 bytes, or is `anonymous`, and so cannot be told apart.
    pub fn parse(text: &str) -> Result<Self, EventError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(EventError);
        }
        let event = Event::parse(text.trim().trim_end_matches(';')).map_err(|_wrong| EventError)?;
        let indexed = event.inputs.iter().filter(|input| input.indexed).count();
        // Resolving finds types that do not exist.
        if event.anonymous || indexed > INDEXED_MAX || event.resolve().is_err() {
            return Err(EventError);
        }
        let text = event.full_signature().into();
        Ok(Self { event, text })
    }

    /// The same text for all who mean the same.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The event's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.event.name
    }

    /// The first topic of its logs.
    #[must_use]
    pub fn topic(&self) -> [u8; 32] {
        self.event.selector().0
    }

    /// The arguments as a JSON object: by name, or by place where they have none. Numbers are
    /// decimal strings; an indexed text or list is its hash, which is all that the chain keeps.
    /// `None` where the log is of another shape.
    #[must_use]
    pub fn decode(&self, log: &Log) -> Option<Box<str>> {
        let topics = log.topics.iter().map(|topic| B256::from(*topic));
        let decoded = self.event.decode_log_parts(topics, &log.data).ok()?;
        let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
        let mut args = Map::new();
        for (place, input) in self.event.inputs.iter().enumerate() {
            let value = match input.indexed {
                true => indexed.next()?,
                false => body.next()?,
            };
            let name = match input.name.as_str() {
                "" => place.to_string(),
                name => name.to_owned(),
            };
            args.insert(name, json(value));
        }
        Some(Value::Object(args).to_string().into())
    }
}

fn json(value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Bool(truth) => Value::Bool(*truth),
        DynSolValue::Int(number, _) => Value::String(number.to_string()),
        DynSolValue::Uint(number, _) => Value::String(number.to_string()),
        DynSolValue::FixedBytes(word, size) => {
            hex(word.as_slice().get(..*size).unwrap_or_default())
        }
        DynSolValue::Address(address) => hex(address.as_slice()),
        DynSolValue::Function(function) => hex(function.as_slice()),
        DynSolValue::Bytes(bytes) => hex(bytes),
        DynSolValue::String(text) => Value::String(text.clone()),
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values) => Value::Array(values.iter().map(json).collect()),
    }
}

fn hex(bytes: &[u8]) -> Value {
    Value::String(alloy_primitives::hex::encode_prefixed(bytes))
}

const TEXT_BYTES_MAX: usize = 512;
const INDEXED_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use conclave_protocol::{Amount, ChainHash, WalletAddress};

    use super::*;

    fn word(number: u64) -> [u8; 32] {
        Amount::from(number).0
    }

    #[test]
    fn a_log_is_told_by_names_or_places() {
        let named = "event Transfer(address indexed from, address indexed to, uint256 value)";
        let check = |text: &str, expected: &str| {
            let abi = ContractAbi::parse(text).unwrap();
            let log = Log {
                address: WalletAddress([1; 20]),
                topics: vec![abi.topic(), word(1), word(2)],
                data: word(u64::MAX).to_vec(),
                transaction: ChainHash([0; 32]),
                index: 0,
            };
            assert_eq!(abi.name(), "Transfer");
            assert_eq!(&*abi.decode(&log).unwrap(), expected);
        };
        let (one, two) = (format!("0x{:040x}", 1), format!("0x{:040x}", 2));
        check(
            named,
            &format!(r#"{{"from":"{one}","to":"{two}","value":"18446744073709551615"}}"#),
        );
        check(
            "Transfer(address indexed,address indexed,uint256)",
            &format!(r#"{{"0":"{one}","1":"{two}","2":"18446744073709551615"}}"#),
        );
    }

    #[test]
    fn the_same_event_has_one_text() {
        let texts = [
            "Transfer(address  indexed  from,uint to)",
            "event Transfer(address indexed from, uint256 to);",
        ];
        let texts = texts.map(|text| ContractAbi::parse(text).unwrap().text().to_owned());
        assert_eq!(texts[0], texts[1]);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let long = format!("E({})", "uint256,".repeat(100));
        let many = "E(uint indexed,uint indexed,uint indexed,uint indexed)";
        for text in [
            "",
            "Transfer",
            "E(what)",
            "function f()",
            "E(uint256) anonymous",
            many,
            &long,
        ] {
            assert!(ContractAbi::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_log_of_another_shape_is_none() {
        let abi = ContractAbi::parse("E(uint256 indexed a, string b)").unwrap();
        let log = Log {
            address: WalletAddress([1; 20]),
            topics: vec![abi.topic(), word(1)],
            data: vec![1, 2, 3],
            transaction: ChainHash([0; 32]),
            index: 0,
        };
        assert_eq!(abi.decode(&log), None);
    }
}
