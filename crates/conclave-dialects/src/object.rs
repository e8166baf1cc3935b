//! Objects that clients send, in every dialect that speaks JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object from a client: no name twice (also not in two spellings), nesting bounded.
/// Values are kept as they were sent.
pub(crate) struct Object<'a> {
    /// From `{` to `}`.
    text: &'a str,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// Why a text is not an [`Object`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectError {
    /// Arrays and objects are nested more than 128 deep.
    Deep,
    /// It has a member twice.
    Duplicate,
    /// It begins like an object, and breaks the grammar at this 1-based line and column.
    Json(usize, usize),
    /// It is another JSON value, or not JSON at all.
    Other,
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deep => write!(f, "nested deeper than {DEPTH_MAX} levels"),
            Self::Duplicate => f.write_str("the same member twice"),
            Self::Json(line, column) => {
                write!(f, "not valid JSON at line {line}, column {column}")
            }
            Self::Other => f.write_str("expected a JSON object"),
        }
    }
}

impl<'a> Object<'a> {
    /// Parses a whole text.
    ///
    /// Depth is checked here because skipping a value does not recurse and so has no bound of
    /// its own; a receiver's parser may recurse.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub(crate) fn parse(text: &'a str) -> Result<Self, ObjectError> {
        let text = text.trim_matches(JSON_SPACE);
        if !text.starts_with('{') {
            return Err(ObjectError::Other);
        }
        let Members(members) = serde_json::from_str(text)
            .map_err(|error| ObjectError::Json(error.line(), error.column()))?;
        if nests_deeper(text, DEPTH_MAX) {
            return Err(ObjectError::Deep);
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(ObjectError::Duplicate);
        }
        Ok(Self { text, members })
    }

    /// The value of a member, `None` where there is none.
    pub(crate) fn member(&self, name: &str) -> Option<&'a str> {
        self.members
            .iter()
            .find(|(each, _)| each == name)
            .map(|(_, value)| value.get())
    }

    /// All members as they were sent, without the braces and without the members `left_out`.
    pub(crate) fn members_without(&self, left_out: &[&str]) -> Cow<'a, str> {
        let inside = self
            .text
            .get(1..self.text.len().saturating_sub(1))
            .unwrap_or_default();
        if !self
            .members
            .iter()
            .any(|(name, _)| left_out.contains(&name.as_ref()))
        {
            return Cow::Borrowed(inside.trim_matches(JSON_SPACE));
        }
        let mut kept = String::with_capacity(inside.len());
        let mut begin = 0;
        for (name, value) in &self.members {
            let value = value.get();
            // Both point into the same text, so the difference is the value's place in it.
            let end = value.as_ptr().addr() - self.text.as_ptr().addr() + value.len();
            if !left_out.contains(&name.as_ref()) {
                let member = self.text.get(begin..end).unwrap_or_default();
                if !kept.is_empty() {
                    kept.push(',');
                }
                // Between the value before and this name is only a brace, a comma or space.
                kept.push_str(member.trim_start_matches(|c| c != '"'));
            }
            begin = end;
        }
        Cow::Owned(kept)
    }
}

/// The text of a JSON string, `None` where the value is another, or no Unicode text.
pub(crate) fn string(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(json)
        .ok()
        .map(|text| text.0)
}

/// Whether arrays and objects of this valid JSON text are nested more than `depth_max` deep.
fn nests_deeper(json: &str, depth_max: usize) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
        } else if byte == b'"' {
            in_string = true;
        } else if matches!(byte, b'{' | b'[') {
            depth += 1;
            deepest = deepest.max(depth);
        } else if matches!(byte, b'}' | b']') {
            depth = depth.saturating_sub(1);
        }
    }
    deepest > depth_max
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// A string that borrows where nothing in it is escaped (serde's own `Cow` always copies).
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

const DEPTH_MAX: usize = 128;
const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
