//! Columns as words of the protocol, and back. Numbers are signed 64 bit in the database: what
//! is greater (a time after the year 292,000,000) is stored as the greatest.

use conclave_protocol::{SessionName, Timestamp, UserId};

use crate::StoreError;

pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn count(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).or(Err(StoreError::Value("number")))
}

pub(crate) fn millis(at: Timestamp) -> i64 {
    integer(at.millis())
}

pub(crate) fn timestamp(millis: i64) -> Result<Timestamp, StoreError> {
    u64::try_from(millis)
        .map(Timestamp::from_millis)
        .or(Err(StoreError::Value("time")))
}

pub(crate) fn bytes<const N: usize>(blob: &[u8]) -> Result<[u8; N], StoreError> {
    <[u8; N]>::try_from(blob).or(Err(StoreError::Value("hash or id")))
}

pub(crate) fn user(text: &str) -> Result<UserId, StoreError> {
    UserId::new(text).or(Err(StoreError::Value("user's name")))
}

pub(crate) fn session(text: &str) -> Result<SessionName, StoreError> {
    SessionName::new(text).or(Err(StoreError::Value("session's name")))
}

/// Names as a JSON array, in the order given.
pub(crate) fn names_to_json(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

pub(crate) fn names_from_json(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).or(Err(StoreError::Value("list of names")))
}

/// A list of users' names.
pub(crate) fn users(users: &[UserId]) -> Vec<Option<String>> {
    let names = users.iter().map(|user| Some(user.as_str().to_owned()));
    names.collect()
}
