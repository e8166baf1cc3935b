//! Objects that clients send, and what is wrong with them.

use std::borrow::Cow;
use std::fmt;

use conclave_protocol::{MessageId, Refusal, RoomId};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What is wrong with an event.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) refusal: Refusal,
    /// Which field, and what was expected.
    pub(super) message: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(refusal: Refusal, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            refusal,
            message: message.into(),
        }
    }

    pub(super) fn field(name: &str, expected: &str) -> Self {
        Self::new(Refusal::BadRequest, format!("{name} {expected}"))
    }
}

/// The members of a JSON object, no name twice (also not in two spellings). Values are looked at
/// only where they are asked for; `null` is the same as missing, since that is what clients in
/// JavaScript make of `undefined` in some places.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Those of a packet's argument.
    pub(super) fn parse(data: &'a RawValue) -> Result<Self, Fault> {
        let fault = |message: &'static str| Fault::new(Refusal::BadRequest, message);
        if !data.get().starts_with('{') {
            return Err(fault("data must be an object"));
        }
        // JSON was checked with the packet; left are names that are no Unicode text.
        let fields: Self = serde_json::from_str(data.get())
            .map_err(|_error| fault("data has a name that is not Unicode text"))?;
        let mut names: Vec<&str> = fields.0.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(fault("data has the same member twice"));
        }
        Ok(fields)
    }

    /// The JSON of a member, `None` where it is `null` or missing.
    pub(super) fn json(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(each, _)| each == name)
            .map(|(_, value)| value.get())
            .filter(|value| *value != "null")
    }

    /// The names, in the order they were sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// A member that is a string, where there is one.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        self.json(name)
            .map(|json| string(json).ok_or_else(|| Fault::field(name, "must be a string")))
            .transpose()
    }

    /// A member that is a string.
    pub(super) fn required(&self, name: &str) -> Result<Cow<'a, str>, Fault> {
        self.text(name)?
            .ok_or_else(|| Fault::field(name, "is missing"))
    }

    /// `channelId`. A text that no room can have as its id is answered like the id of a room
    /// that does not exist.
    pub(super) fn room(&self) -> Result<RoomId, Fault> {
        let text = self.required("channelId")?;
        RoomId::new(&text).map_err(|_unfit| Fault::new(Refusal::NotFound, "no such room"))
    }

    /// `messageId`, of which the same holds.
    pub(super) fn message(&self) -> Result<MessageId, Fault> {
        message_id(&self.required("messageId")?)
    }

    /// A message's id, where there is one.
    pub(super) fn maybe_message(&self, name: &str) -> Result<Option<MessageId>, Fault> {
        self.text(name)?.map(|text| message_id(&text)).transpose()
    }

    /// A member that is a whole number in `range`, where there is one.
    pub(super) fn whole(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, Fault> {
        let Some(json) = self.json(name) else {
            return Ok(None);
        };
        let number = serde_json::from_str(json).ok();
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let (least, most) = (range.start(), range.end());
                let expected = format!("must be a whole number from {least} to {most}");
                Err(Fault::field(name, &expected))
            }
        }
    }
}

/// The text of a JSON string, `None` where the value is another, or no Unicode text.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(json)
        .ok()
        .map(|text| text.0)
}

/// What of a client's own word is repeated to it.
pub(super) fn shortened(word: &str) -> Cow<'_, str> {
    match word.char_indices().nth(WORD_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", word.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(word),
    }
}

fn message_id(text: &str) -> Result<MessageId, Fault> {
    MessageId::parse(text).ok_or_else(|| Fault::new(Refusal::NotFound, "no such message"))
}

/// A string that borrows where nothing in it is escaped (serde's own `Cow` always copies).
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Fields(members))
    }
}

const WORD_CHARS_MAX: usize = 100;
