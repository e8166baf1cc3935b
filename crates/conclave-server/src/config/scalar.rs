//! Values without parts: numbers, words, paths, addresses.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::value::Input;

/// A value without parts.
pub(crate) trait Scalar: Sized {
    /// What the manual calls the type.
    fn shape() -> String;
    /// What an error expects.
    fn expected() -> String {
        Self::shape()
    }
    /// From text, the environment's form.
    fn parse(text: &str) -> Option<Self>;
    /// The value as TOML.
    fn text(&self) -> Option<String>;
    /// From a file's value: a string, unless said otherwise.
    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_str().and_then(Self::parse)
    }
    /// What an error may repeat of a wrong value.
    fn given(input: Input<'_>) -> String {
        match input {
            Input::Text(text) => shortened(&format!("{text:?}")),
            Input::Toml(toml::Value::Array(_)) => "a list".to_owned(),
            Input::Toml(toml::Value::Table(_)) => "a table".to_owned(),
            Input::Toml(value) => shortened(&value.to_string()),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(GIVEN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

macro_rules! whole_number {
    ($($type:ty),*) => { $(
        impl Scalar for $type {
            fn shape() -> String {
                "whole number".to_owned()
            }
            fn expected() -> String {
                format!("a whole number from 0 to {}", Self::MAX)
            }
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
            fn from_toml(value: &toml::Value) -> Option<Self> {
                value.as_integer().and_then(|number| Self::try_from(number).ok())
            }
            fn text(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )* };
}

whole_number!(u16, u32);

impl Scalar for bool {
    fn shape() -> String {
        "true or false".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_bool()
    }
    fn text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Scalar for String {
    fn shape() -> String {
        "text".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn text(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl Scalar for PathBuf {
    fn shape() -> String {
        "path".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
    fn text(&self) -> Option<String> {
        Some(quoted(&self.display().to_string()))
    }
}

impl Scalar for SocketAddr {
    fn shape() -> String {
        "address:port".to_owned()
    }
    fn expected() -> String {
        "an address and a port, such as 127.0.0.1:8081 or [::1]:8081".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn text(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Scalar for IpNet {
    fn shape() -> String {
        "network".to_owned()
    }
    fn expected() -> String {
        "an address or a network, such as 10.0.0.0/8".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        text.parse()
            .ok()
            .or_else(|| text.parse::<IpAddr>().ok().map(Self::from))
    }
    fn text(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

/// `text` as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

const GIVEN_CHARS: usize = 60;
