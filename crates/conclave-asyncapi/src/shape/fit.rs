//! Whether a JSON value is what a type reads: for the document's own examples, and for samples.

use serde_json::{Map, Number, Value};

use super::{Check, Form, Presence, Rest, Shapes, Struct, Type, Union, Width};

/// How deep values are looked into.
const DEPTH_MAX: usize = 100;

/// Where a value does not fit, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// `updates.display_name`; empty for the whole value.
    pub path: String,
    /// What was expected.
    pub sentence: String,
}

type Fit = Result<(), Misfit>;

fn misfit(sentence: impl Into<String>) -> Misfit {
    Misfit {
        path: String::new(),
        sentence: sentence.into(),
    }
}

fn hold(holds: bool, sentence: impl FnOnce() -> String) -> Fit {
    if holds {
        Ok(())
    } else {
        Err(misfit(sentence()))
    }
}

fn under(name: &str, fit: Fit) -> Fit {
    fit.map_err(|inner| {
        let separator = if inner.path.is_empty() || inner.path.starts_with('[') {
            ""
        } else {
            "."
        };
        Misfit {
            path: format!("{name}{separator}{}", inner.path),
            sentence: inner.sentence,
        }
    })
}

impl Shapes {
    /// Whether the type reads the value.
    ///
    /// # Errors
    /// The first place where it does not.
    pub fn fits(&self, of: &Type, value: &Value) -> Result<(), Misfit> {
        self.fits_within(of, value, DEPTH_MAX)
    }

    fn fits_within(&self, of: &Type, value: &Value, depth: usize) -> Fit {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(misfit("nested too deep"));
        };
        match of {
            Type::Bool => hold(value.is_boolean(), || "expected true or false".to_owned()),
            Type::Boxed(inner) => self.fits_within(inner, value, depth),
            Type::Date => format(value, "date"),
            Type::Float => hold(value.is_number(), || "expected a number".to_owned()),
            Type::Integer(width) => hold(is_whole(value, *width), || {
                "expected a whole number".to_owned()
            }),
            Type::Ipv4 => format(value, "ipv4"),
            Type::Ipv6 => format(value, "ipv6"),
            Type::Json => Ok(()),
            Type::JsonObject => hold(value.is_object(), || "expected an object".to_owned()),
            Type::List(inner) => {
                let items = value.as_array().ok_or_else(|| misfit("expected a list"))?;
                let mut each = items.iter().enumerate();
                each.try_for_each(|(index, item)| {
                    under(&format!("[{index}]"), self.fits_within(inner, item, depth))
                })
            }
            Type::Map(inner) => {
                let object = value
                    .as_object()
                    .ok_or_else(|| misfit("expected an object"))?;
                let mut each = object.iter();
                each.try_for_each(|(name, item)| under(name, self.fits_within(inner, item, depth)))
            }
            Type::Named(id) => match self.get(*id) {
                Some(shape) => self.fits_form(&shape.form, value, depth),
                None => Ok(()),
            },
            Type::Null => hold(value.is_null(), || "expected null".to_owned()),
            Type::Nullable(_) if value.is_null() => Ok(()),
            Type::Nullable(inner) => self.fits_within(inner, value, depth),
            Type::Text => hold(value.is_string(), || "expected a text".to_owned()),
            Type::Timestamp => format(value, "date-time"),
            Type::Tuple(elements) => {
                let items = value
                    .as_array()
                    .filter(|items| items.len() == elements.len());
                let items = items
                    .ok_or_else(|| misfit(format!("expected a list of {}", elements.len())))?;
                let mut each = elements.iter().zip(items);
                each.try_for_each(|(of, item)| self.fits_within(of, item, depth))
            }
            Type::Uuid => format(value, "uuid"),
        }
    }

    fn fits_form(&self, form: &Form, value: &Value, depth: usize) -> Fit {
        match form {
            Form::Choice(choices) => {
                let known = value
                    .as_str()
                    .is_some_and(|text| choices.iter().any(|choice| choice.text == text));
                hold(known, || {
                    let texts: Vec<&str> =
                        choices.iter().map(|choice| choice.text.as_str()).collect();
                    format!("expected one of {}", texts.join(", "))
                })
            }
            Form::Checked { of, checks } => {
                self.fits_within(of, value, depth)?;
                checks.iter().try_for_each(|check| keeps(check, value))
            }
            Form::Struct(of) => self.fits_struct(of, value, depth),
            Form::Union(of) => self.fits_union(of, value, depth),
            Form::Unfinished => Ok(()),
        }
    }

    fn fits_struct(&self, of: &Struct, value: &Value, depth: usize) -> Fit {
        let object = value
            .as_object()
            .ok_or_else(|| misfit("expected an object"))?;
        for field in &of.fields {
            let fit = match (object.get(&field.property), field.presence) {
                (None, Presence::Optional | Presence::OptionalNullable) => Ok(()),
                (None, Presence::Required | Presence::RequiredNullable) => {
                    Err(misfit("it is missing"))
                }
                (Some(Value::Null), presence) if presence != Presence::Required => Ok(()),
                (Some(inner), _) => self.fits_within(&field.of, inner, depth),
            };
            under(&field.property, fit)?;
        }
        let known = |name: &String| of.fields.iter().any(|field| field.property == *name);
        let mut others = object.iter().filter(|(name, _)| !known(name));
        match &of.rest {
            Rest::Ignored => Ok(()),
            Rest::Kept(_, inner) => others
                .try_for_each(|(name, item)| under(name, self.fits_within(inner, item, depth))),
            Rest::Refused => others
                .try_for_each(|(name, _)| under(name, Err(misfit("there is no such property")))),
        }
    }

    fn fits_union(&self, of: &Union, value: &Value, depth: usize) -> Fit {
        let Some(tag) = &of.tag else {
            let fits = of
                .variants
                .iter()
                .any(|variant| self.fits_within(&variant.of, value, depth).is_ok());
            return hold(fits, || "it is none of the alternatives".to_owned());
        };
        let text = value.get(&tag.property).and_then(Value::as_str);
        let text = text.ok_or_else(|| misfit(format!("`{}` must say what it is", tag.property)))?;
        let variant = of
            .variants
            .iter()
            .find(|variant| variant.tags.iter().any(|known| known == text));
        let variant =
            variant.ok_or_else(|| misfit(format!("`{text}` is none of the alternatives")))?;
        self.fits_within(&variant.of, value, depth)
    }
}

fn is_whole(value: &Value, width: Width) -> bool {
    match width {
        Width::I32 => value
            .as_i64()
            .is_some_and(|value| i32::try_from(value).is_ok()),
        Width::I64 => value.is_i64(),
        Width::U32 => value
            .as_u64()
            .is_some_and(|value| u32::try_from(value).is_ok()),
        Width::U64 => value.is_u64(),
    }
}

pub(super) fn keeps(check: &Check, value: &Value) -> Fit {
    let number = value.as_f64().unwrap_or_default();
    let bound = |number: &Number| number.as_f64().unwrap_or_default();
    match check {
        Check::Above(least) => hold(number > bound(least), || {
            format!("must be greater than {least}")
        }),
        Check::AtLeast(least) => hold(number >= bound(least), || {
            format!("must be at least {least}")
        }),
        Check::AtMost(most) => hold(number <= bound(most), || format!("must be at most {most}")),
        Check::Below(most) => hold(number < bound(most), || format!("must be less than {most}")),
        Check::Choices(values) => hold(values.iter().any(|known| same(known, value)), || {
            "must be a listed value".to_owned()
        }),
        Check::Format(name) => format(value, name),
        Check::Items(least, most) => within(length(value), *least, *most, "elements"),
        Check::Keys(patterns) => {
            let empty = Map::new();
            let mut names = value.as_object().unwrap_or(&empty).keys();
            let known = |name: &String| patterns.iter().any(|pattern| matches(pattern, name));
            hold(names.all(known), || {
                "has a property that no pattern allows".to_owned()
            })
        }
        Check::Length(least, most) => {
            let count = value.as_str().map_or(0, |text| text.chars().count());
            within(count, *least, *most, "characters")
        }
        Check::MultipleOf(of) => {
            let quotient = number / bound(of);
            hold((quotient - quotient.round()).abs() < 1e-9, || {
                format!("must be a multiple of {of}")
            })
        }
        Check::Pattern(pattern) => {
            let text = value.as_str().unwrap_or_default();
            hold(matches(pattern, text), || format!("must match {pattern}"))
        }
        Check::Unique => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let repeats = items
                .iter()
                .enumerate()
                .any(|(index, item)| items.iter().take(index).any(|other| other == item));
            hold(!repeats, || "has an element twice".to_owned())
        }
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(object) => object.len(),
        _ => 0,
    }
}

fn within(count: usize, least: Option<u64>, most: Option<u64>, unit: &str) -> Fit {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let fits = least.is_none_or(|least| count >= least) && most.is_none_or(|most| count <= most);
    hold(fits, || {
        format!(
            "has {count} {unit}, allowed are {} to {}",
            least.unwrap_or(0),
            most.map_or("any".to_owned(), |most| most.to_string())
        )
    })
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

fn format(value: &Value, name: &str) -> Fit {
    let text = value.as_str().ok_or_else(|| misfit("expected a text"))?;
    let fits = match name {
        "date" => is_date(text),
        "date-time" => is_moment(text),
        "email" => text
            .rsplit_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty()),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" => matches("^[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\\[\\]_a-z~%&$]*$", text),
        "uuid" => matches("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", text),
        _ => true,
    };
    hold(fits, || format!("`{text}` is not of the format {name}"))
}

fn is_date(text: &str) -> bool {
    let parts: Vec<Option<u32>> = text.split('-').map(|part| part.parse().ok()).collect();
    let [Some(year), Some(month), Some(day)] = parts.as_slice() else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    text.len() == 10 && (1..=days).contains(day)
}

/// RFC 3339.
fn is_moment(text: &str) -> bool {
    let (Some(date), Some(rest)) = (text.get(..10), text.get(10..)) else {
        return false;
    };
    let clock = "^[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";
    is_date(date) && matches(clock, rest)
}
