//! What stands in JSON for a binary attachment: `{"_placeholder":true,"num":0}`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::Violation;

/// Checks that `arguments` hold one placeholder for each of `attachments`, and no other.
///
/// # Errors
/// [`Violation::PlaceholderInvalid`], [`Violation::PlaceholderRepeated`] and
/// [`Violation::PlaceholderUnused`]; [`Violation::PayloadInvalid`] for JSON of more than 127 levels.
pub(super) fn check(arguments: &[&RawValue], attachments: usize) -> Result<(), Violation> {
    let mut search = Search {
        found: vec![false; attachments],
        wrong: None,
    };
    for argument in arguments {
        let mut deserializer = serde_json::Deserializer::from_str(argument.get());
        if search.deserialize(&mut deserializer).is_err() {
            return Err(search.wrong.unwrap_or(Violation::PayloadInvalid));
        }
    }
    if search.found.contains(&false) {
        return Err(Violation::PlaceholderUnused);
    }
    Ok(())
}

/// A walk through JSON; an error of serde ends it, and `wrong` says why where we caused it.
struct Search {
    found: Vec<bool>,
    wrong: Option<Violation>,
}

impl Search {
    fn refuse<E: Error>(&mut self, violation: Violation) -> E {
        self.wrong = Some(violation);
        E::custom(violation)
    }

    fn note<E: Error>(&mut self, number: Seen, members: usize) -> Result<(), E> {
        let found = match number {
            Seen::Number(number) if members == PLACEHOLDER_MEMBERS => {
                let index = usize::try_from(number).ok();
                index.and_then(|index| self.found.get_mut(index))
            }
            Seen::Number(_) | Seen::Other | Seen::True => None,
        };
        match found {
            None => Err(self.refuse(Violation::PlaceholderInvalid)),
            Some(true) => Err(self.refuse(Violation::PlaceholderRepeated)),
            Some(found) => {
                *found = true;
                Ok(())
            }
        }
    }
}

/// What a value was, as far as a placeholder's members go.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    True,
    Number(u64),
    Other,
}

impl<'de> DeserializeSeed<'de> for &mut Search {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Search {
    type Value = Seen;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Seen, E> {
        Ok(if value { Seen::True } else { Seen::Other })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Seen, E> {
        Ok(Seen::Number(value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Seen, A::Error> {
        while sequence.next_element_seed(&mut *self)?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let (mut mark, mut number, mut members) = (Seen::Other, Seen::Other, 0_usize);
        while let Some(member) = map.next_key_seed(MemberSeed)? {
            members = members.saturating_add(1);
            let value = map.next_value_seed(&mut *self)?;
            match member {
                Member::Placeholder => mark = value,
                Member::Number => number = value,
                Member::Other => {}
            }
        }
        if mark == Seen::True {
            self.note(number, members)?;
        }
        Ok(Seen::Other)
    }
}

enum Member {
    Placeholder,
    Number,
    Other,
}

struct MemberSeed;

impl<'de> DeserializeSeed<'de> for MemberSeed {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberSeed {
    type Value = Member;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            "_placeholder" => Member::Placeholder,
            "num" => Member::Number,
            _ => Member::Other,
        })
    }
}

/// `_placeholder` and `num`, each once.
const PLACEHOLDER_MEMBERS: usize = 2;
