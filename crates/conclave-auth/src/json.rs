//! JSON of tokens, strictly: no name twice in one object, at any depth.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value that borrows what needs no unescaping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Bool(bool),
    List(Vec<Self>),
    Null,
    Number(f64),
    Object(Object<'a>),
    Text(Cow<'a, str>),
}

/// The members of an object, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// Parses a text that is one object.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        // Checked as a whole at once: cheaper than string by string.
        let text = std::str::from_utf8(text).ok()?;
        match serde_json::from_str(text).ok()? {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Value<'a>> {
        self.0
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// A member that is a text; `None` where it is missing or something else.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.member(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Value<'_> {
    /// A list of texts; `None` where it is anything else.
    pub(crate) fn texts(&self) -> Option<Vec<&str>> {
        let Value::List(items) = self else {
            return None;
        };
        items
            .iter()
            .map(|item| match item {
                Value::Text(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        // Inexact only beyond 2^53, where no time is accepted.
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        // Inexact only beyond 2^53, where no time is accepted.
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(12);
        while let Some((name, value)) = map.next_entry::<Value<'de>, _>()? {
            let Value::Text(name) = name else {
                return Err(A::Error::custom("name"));
            };
            members.push((name, value));
        }
        if has_duplicates(&members) {
            return Err(A::Error::custom("duplicate name"));
        }
        Ok(Value::Object(Object(members)))
    }
}

fn has_duplicates(members: &[(Cow<'_, str>, Value<'_>)]) -> bool {
    if members.len() <= PAIRWISE_MAX {
        return members.iter().enumerate().any(|(index, (name, _))| {
            members
                .iter()
                .take(index)
                .any(|(earlier, _)| earlier == name)
        });
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.last())
}

/// Up to how many members are compared pair by pair; more are sorted.
const PAIRWISE_MAX: usize = 24;
