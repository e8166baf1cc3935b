//! Text, numbers and fixed values.

use serde_json::{Number, Value};

use super::merge::is_of;
use super::name::{free, pascal};
use super::plan::{Draft, Plan};
use super::{Check, Choice, Form, Type, Width};
use crate::model::JsonType;

impl Plan {
    /// `enum` and `const`.
    pub(super) fn fixed(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        let values = match (&keywords.constant, &keywords.choices) {
            (Some(constant), _) => vec![constant.clone()],
            (None, Some(choices)) => choices.clone(),
            (None, None) => Vec::new(),
        };
        let mut values: Vec<Value> = values
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
        let is_allowed = |value: &Value| {
            keywords.kinds.is_empty() || keywords.kinds.iter().any(|kind| is_of(value, *kind))
        };
        if !values.iter().all(is_allowed) {
            self.warning(
                draft.id,
                "`enum` or `const` has values that `type` does not allow".to_owned(),
            );
            if keywords.kinds.contains(&JsonType::String) {
                // `enum: [1, 2]` of a text: the quotes were forgotten.
                values = values.iter().map(as_text).collect();
            }
        }
        if values.is_empty() {
            return Type::Null;
        }
        if values.iter().all(Value::is_string) {
            let texts = values
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            return self.choice(draft, texts);
        }
        let all = |kind| values.iter().all(|value| is_of(value, kind));
        let of = if all(JsonType::Boolean) {
            if values.contains(&Value::Bool(true)) && values.contains(&Value::Bool(false)) {
                return Type::Bool;
            }
            Type::Bool
        } else if all(JsonType::Integer) {
            Type::Integer(Width::I64)
        } else if all(JsonType::Number) {
            Type::Float
        } else {
            Type::Json
        };
        self.checked(draft, of, vec![Check::Choices(values)])
    }

    /// One of several texts.
    pub(super) fn choice(&mut self, draft: &Draft<'_>, texts: Vec<String>) -> Type {
        let mut choices: Vec<Choice> = Vec::new();
        for text in texts {
            if choices.iter().any(|known| known.text == text) {
                continue;
            }
            let name = free(&variant_name(&text), |name| {
                choices.iter().all(|known| known.name != name)
            });
            choices.push(Choice {
                name,
                text,
                aliases: Vec::new(),
            });
        }
        if !self.spellings.is_empty() {
            let known: Vec<String> = choices.iter().map(|choice| choice.text.clone()).collect();
            for choice in &mut choices {
                choice.aliases = other_cases(&choice.text, &known);
            }
        }
        let id = self.open(draft);
        self.close(id, Form::Choice(choices))
    }

    pub(super) fn text(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        let mut checks = Vec::new();
        if keywords.length_min.is_some_and(|least| least > 0) || keywords.length_max.is_some() {
            let least = keywords.length_min.filter(|least| *least > 0);
            checks.push(Check::Length(least, keywords.length_max));
        }
        let patterns = keywords.pattern.iter().chain(&draft.merged.patterns);
        let mut unreadable = Vec::new();
        for pattern in patterns {
            match readable(pattern) {
                Ok(pattern) => checks.push(Check::Pattern(pattern)),
                Err(why) => {
                    unreadable.push(format!("the `pattern` {pattern} is not supported: {why}"))
                }
            }
        }
        for sentence in unreadable {
            self.error(draft.id, sentence);
        }
        let (plain, format) = match keywords.format.as_deref() {
            Some("uuid") => (Type::Uuid, Some("uuid")),
            Some("date-time") => (Type::Timestamp, Some("date-time")),
            Some("date") => (Type::Date, Some("date")),
            Some("ipv4") => (Type::Ipv4, Some("ipv4")),
            Some("ipv6") => (Type::Ipv6, Some("ipv6")),
            Some("uri" | "url") => (Type::Text, Some("uri")),
            Some("email") => (Type::Text, Some("email")),
            _ => (Type::Text, None),
        };
        if checks.is_empty() && plain != Type::Text {
            return plain;
        }
        checks.extend(format.map(Check::Format));
        self.checked(draft, Type::Text, checks)
    }

    pub(super) fn integer(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        let whole = |number: &Option<Number>, round: fn(f64) -> f64| {
            let number = number.as_ref()?;
            if number.is_f64() {
                whole_number(round(number.as_f64()?))
            } else {
                Some(number.clone())
            }
        };
        let least = whole(&keywords.minimum, f64::ceil);
        let above = whole(&keywords.above, f64::floor);
        let not_negative = [&least, &above]
            .into_iter()
            .flatten()
            .any(|number| number.as_u64().is_some());
        let width = match keywords.format.as_deref() {
            Some("int32") => Width::I32,
            Some("uint32") => Width::U32,
            Some("uint64") => Width::U64,
            _ if not_negative => Width::U64,
            _ => Width::I64,
        };
        let unsigned = matches!(width, Width::U32 | Width::U64);
        let says_nothing = |number: &Number| unsigned && number.as_u64().unwrap_or(0) == 0;
        let mut checks = Vec::new();
        checks.extend(
            least
                .filter(|number| !says_nothing(number))
                .map(Check::AtLeast),
        );
        checks.extend(above.map(Check::Above));
        checks.extend(whole(&keywords.maximum, f64::floor).map(Check::AtMost));
        checks.extend(whole(&keywords.below, f64::ceil).map(Check::Below));
        checks.extend(whole(&keywords.multiple_of, f64::round).map(Check::MultipleOf));
        for check in &checks {
            if !fits(check, width) {
                self.error(
                    draft.id,
                    "a bound lies outside of what the number's format can hold".to_owned(),
                );
                return Type::Integer(width);
            }
        }
        self.checked(draft, Type::Integer(width), checks)
    }

    pub(super) fn number(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        let mut checks = Vec::new();
        checks.extend(keywords.minimum.clone().map(Check::AtLeast));
        checks.extend(keywords.above.clone().map(Check::Above));
        checks.extend(keywords.maximum.clone().map(Check::AtMost));
        checks.extend(keywords.below.clone().map(Check::Below));
        checks.extend(keywords.multiple_of.clone().map(Check::MultipleOf));
        self.checked(draft, Type::Float, checks)
    }

    pub(super) fn checked_list(&mut self, draft: &Draft<'_>, of: Type) -> Type {
        let keywords = draft.keywords();
        let mut checks = Vec::new();
        let least = keywords.items_min.filter(|least| *least > 0);
        if least.or(keywords.items_max).is_some() {
            checks.push(Check::Items(least, keywords.items_max));
        }
        if keywords.unique_items {
            checks.push(Check::Unique);
        }
        self.checked(draft, of, checks)
    }

    /// The type itself, or a named one that keeps its bounds.
    pub(super) fn checked(&mut self, draft: &Draft<'_>, of: Type, checks: Vec<Check>) -> Type {
        if checks.is_empty() {
            return of;
        }
        let id = self.open(draft);
        self.close(id, Form::Checked { of, checks })
    }
}

/// The text in small and in capital letters, as far as that is no other text.
fn other_cases(text: &str, known: &[String]) -> Vec<String> {
    let cases = [text.to_lowercase(), text.to_uppercase()];
    let differs = |case: &String| {
        let same = |other: &String| other.to_lowercase() == case.to_lowercase();
        case != text && known.iter().filter(|other| same(other)).count() == 1
    };
    cases.into_iter().filter(differs).collect()
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(value) => Value::String(value.to_string()),
        _ => value.clone(),
    }
}

/// What a variant for this text or name is called.
pub(super) fn variant_name(text: &str) -> String {
    let name = pascal(text);
    match name.chars().next() {
        None if text.is_empty() => "Empty".to_owned(),
        None => "Symbol".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("N{name}"),
        Some(_) if name == "Self" => "SelfValue".to_owned(),
        Some(_) => name,
    }
}

fn whole_number(value: f64) -> Option<Number> {
    format!("{value:.0}").parse::<i64>().ok().map(Number::from)
}

/// Whether a bound can be compared with a number of this width.
fn fits(check: &Check, width: Width) -> bool {
    let (Check::Above(number)
    | Check::AtLeast(number)
    | Check::AtMost(number)
    | Check::Below(number)
    | Check::MultipleOf(number)) = check
    else {
        return true;
    };
    match width {
        Width::I32 => number
            .as_i64()
            .is_some_and(|value| i32::try_from(value).is_ok()),
        Width::I64 => number.as_i64().is_some(),
        Width::U32 => number
            .as_u64()
            .is_some_and(|value| u32::try_from(value).is_ok()),
        Width::U64 => number.as_u64().is_some(),
    }
}

/// The pattern as the `regex` crate reads it, digits and words as ECMA 262 means them.
pub(super) fn readable(pattern: &str) -> Result<String, String> {
    let mut read = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            read.push(character);
            continue;
        }
        match characters.next() {
            Some('d') => read.push_str("[0-9]"),
            Some('w') => read.push_str("[0-9A-Za-z_]"),
            Some('/') => read.push('/'),
            Some(other) => {
                read.push('\\');
                read.push(other);
            }
            None => return Err("it ends with a backslash".to_owned()),
        }
    }
    regex_syntax::Parser::new()
        .parse(&read)
        .map(|_| read)
        .map_err(|error| match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it cannot be read".to_owned(),
        })
}
