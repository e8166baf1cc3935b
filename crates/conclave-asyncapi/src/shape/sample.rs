//! A value that a type reads: the smallest one that keeps every bound.

use serde_json::{Map, Number, Value, json};

use super::{Check, Form, Presence, Shapes, Type};

/// How deep samples go.
const DEPTH_MAX: usize = 24;

impl Shapes {
    /// A value that fits the type, if one is found: optional fields are left out.
    #[must_use]
    pub fn sample(&self, of: &Type) -> Option<Value> {
        let value = self.sample_within(of, DEPTH_MAX)?;
        self.fits(of, &value).is_ok().then_some(value)
    }

    fn sample_within(&self, of: &Type, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        Some(match of {
            Type::Bool => json!(true),
            Type::Boxed(inner) => self.sample_within(inner, depth)?,
            Type::Date => json!("2026-01-24"),
            Type::Float => json!(1.5),
            Type::Integer(_) => json!(1),
            Type::Ipv4 => json!("192.0.2.1"),
            Type::Ipv6 => json!("2001:db8::1"),
            Type::Json => json!({}),
            Type::JsonObject | Type::Map(_) => json!({}),
            Type::List(_) => json!([]),
            Type::Named(id) => self.sample_of_form(&self.get(*id)?.form, depth)?,
            Type::Null | Type::Nullable(_) => Value::Null,
            Type::Text => json!("text"),
            Type::Timestamp => json!("2026-01-24T10:25:37Z"),
            Type::Tuple(elements) => {
                let items: Option<Vec<Value>> = elements
                    .iter()
                    .map(|of| self.sample_within(of, depth))
                    .collect();
                Value::Array(items?)
            }
            Type::Uuid => json!("0190c9c0-0000-7000-8000-000000000001"),
        })
    }

    fn sample_of_form(&self, form: &Form, depth: usize) -> Option<Value> {
        match form {
            Form::Choice(choices) => choices.first().map(|choice| json!(choice.text)),
            Form::Checked { of, checks } => self.sample_of_checked(of, checks, depth),
            Form::Struct(of) => {
                let mut object = Map::new();
                for field in &of.fields {
                    if field.presence == Presence::Required {
                        object.insert(
                            field.property.clone(),
                            self.sample_within(&field.of, depth)?,
                        );
                    } else if field.presence == Presence::RequiredNullable {
                        object.insert(field.property.clone(), Value::Null);
                    }
                }
                Some(Value::Object(object))
            }
            Form::Union(of) => of.variants.iter().find_map(|variant| {
                let mut value = self.sample_within(&variant.of, depth)?;
                if let (Some(tag), Some(text), Some(object)) =
                    (&of.tag, variant.tags.first(), value.as_object_mut())
                {
                    object.insert(tag.property.clone(), json!(text));
                }
                Some(value)
            }),
            Form::Unfinished => None,
        }
    }

    fn sample_of_checked(&self, of: &Type, checks: &[Check], depth: usize) -> Option<Value> {
        let mut candidates = Vec::new();
        for check in checks {
            match check {
                Check::Choices(values) => candidates.extend(values.iter().take(1).cloned()),
                Check::Format("email") => candidates.push(json!("ann@example.com")),
                Check::Format("uri") => candidates.push(json!("https://example.com/")),
                Check::Format("uuid") => {
                    candidates.push(json!("0190c9c0-0000-7000-8000-000000000001"))
                }
                Check::Format("date-time") => candidates.push(json!("2026-01-24T10:25:37Z")),
                Check::Format("date") => candidates.push(json!("2026-01-24")),
                Check::AtLeast(number) | Check::AtMost(number) | Check::MultipleOf(number) => {
                    candidates.push(Value::Number(number.clone()));
                }
                Check::Above(number) => candidates.extend(moved(number, 1)),
                Check::Below(number) => candidates.extend(moved(number, -1)),
                Check::Items(least, _) => {
                    candidates.extend(self.several(of, least.unwrap_or(0), depth));
                }
                Check::Length(least, most) => {
                    let count = least.unwrap_or(1).max(1).min(most.unwrap_or(u64::MAX));
                    candidates.push(json!(
                        "a".repeat(usize::try_from(count.min(100_000)).unwrap_or(1))
                    ));
                }
                Check::Pattern(pattern) => candidates.extend(matching(pattern).map(Value::from)),
                _ => {}
            }
        }
        candidates.extend(self.sample_within(of, depth));
        let fits = |value: &Value| {
            checks
                .iter()
                .all(|check| super::fit::keeps(check, value).is_ok())
        };
        candidates.into_iter().find(fits)
    }

    fn several(&self, of: &Type, count: u64, depth: usize) -> Option<Value> {
        let count = usize::try_from(count.min(1_000)).ok()?;
        match of {
            Type::List(inner) => {
                let one = self.sample_within(inner, depth)?;
                Some(Value::Array(vec![one; count]))
            }
            Type::Map(inner) => {
                let one = self.sample_within(inner, depth)?;
                Some(Value::Object(
                    (0..count)
                        .map(|index| (format!("name{index}"), one.clone()))
                        .collect(),
                ))
            }
            Type::JsonObject => Some(Value::Object(
                (0..count)
                    .map(|index| (format!("name{index}"), json!(1)))
                    .collect(),
            )),
            _ => None,
        }
    }
}

fn moved(number: &Number, by: i64) -> Option<Value> {
    match number.as_i64() {
        Some(whole) => whole.checked_add(by).map(Value::from),
        None => number
            .as_f64()
            .map(|value| json!(if by > 0 { value + 1.0 } else { value - 1.0 })),
    }
}

/// The shortest text that a pattern describes, if it is a simple one.
fn matching(pattern: &str) -> Option<String> {
    let hir = regex_syntax::Parser::new().parse(pattern).ok()?;
    let mut text = String::new();
    write(&hir, &mut text, 64)?;
    Some(text)
}

fn write(hir: &regex_syntax::hir::Hir, text: &mut String, depth: usize) -> Option<()> {
    use regex_syntax::hir::{Class, HirKind};
    let depth = depth.checked_sub(1)?;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges: Vec<(char, char)> = class
                .iter()
                .map(|range| (range.start(), range.end()))
                .collect();
            let holds = |wanted: char| {
                ranges
                    .iter()
                    .any(|(start, end)| (*start..=*end).contains(&wanted))
            };
            let first = ranges.first().map(|(start, _)| *start);
            text.push(
                ['a', 'A', '1']
                    .into_iter()
                    .find(|wanted| holds(*wanted))
                    .or(first)?,
            );
        }
        HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.min(1_000) {
                write(&repetition.sub, text, depth)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, text, depth)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, text, depth)?;
            }
        }
        HirKind::Alternation(parts) => write(parts.first()?, text, depth)?,
    }
    Some(())
}
