//! What generated types rely on: the bounds of JSON Schema, and the decoding of unions.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::sync::OnceLock;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use jiff::civil::Date;
pub use serde_json::{Map, Value};

/// A value breaks a bound of its schema: a sentence that begins with `must`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// With this sentence.
    #[must_use]
    pub fn new(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(sentence.into())
    }
}

impl Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

fn hold(holds: bool, sentence: impl FnOnce() -> String) -> Result<(), Invalid> {
    if holds {
        return Ok(());
    }
    Err(Invalid::new(sentence()))
}

/// Checks the length of a text, in characters.
///
/// # Errors
/// If it is shorter or longer.
pub fn length(text: &str, least: Option<u64>, most: Option<u64>) -> Result<(), Invalid> {
    let count = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    within(count, least, most, "characters")
}

/// Checks the number of elements or properties.
///
/// # Errors
/// If there are fewer or more.
pub fn items(count: usize, least: Option<u64>, most: Option<u64>) -> Result<(), Invalid> {
    within(
        u64::try_from(count).unwrap_or(u64::MAX),
        least,
        most,
        "elements",
    )
}

fn within(count: u64, least: Option<u64>, most: Option<u64>, unit: &str) -> Result<(), Invalid> {
    hold(least.is_none_or(|least| count >= least), || {
        format!("must have at least {} {unit}", least.unwrap_or_default())
    })?;
    hold(most.is_none_or(|most| count <= most), || {
        format!("must have at most {} {unit}", most.unwrap_or_default())
    })
}

/// A regular expression that is built when it is first needed.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    built: OnceLock<Option<regex::Regex>>,
}

impl Pattern {
    /// From its source; the generator has seen that it can be read.
    #[must_use]
    pub const fn new(source: &'static str) -> Self {
        Self {
            source,
            built: OnceLock::new(),
        }
    }

    /// Whether it matches somewhere in the text; one that cannot be built matches nothing.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let built = self
            .built
            .get_or_init(|| regex::Regex::new(self.source).ok());
        built.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }

    /// Checks that it matches somewhere in the text.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(&self, text: &str) -> Result<(), Invalid> {
        hold(self.matches(text), || format!("must match {}", self.source))
    }
}

/// Checks that every name matches one of the patterns.
///
/// # Errors
/// If one matches none.
pub fn keys<'k>(
    names: impl IntoIterator<Item = &'k String>,
    patterns: &[&Pattern],
) -> Result<(), Invalid> {
    for name in names {
        let known = patterns.iter().any(|pattern| pattern.matches(name));
        hold(known, || format!("must not have the property {name}"))?;
    }
    Ok(())
}

/// Checks a format of JSON Schema: `uri`, `email`, `uuid`, `date-time`, `date`, `ipv4`, `ipv6`.
///
/// # Errors
/// If the text is not of that format, or the format has another name.
pub fn format(text: &str, name: &str) -> Result<(), Invalid> {
    let is_of = match name {
        "date" => text.parse::<Date>().is_ok(),
        "date-time" => text.parse::<crate::format::DateTime>().is_ok(),
        "email" => is_email(text),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" => is_uri(text),
        "uuid" => text.parse::<crate::format::Uuid>().is_ok(),
        _ => false,
    };
    hold(is_of, || format!("must be of the format {name}"))
}

fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    let plain =
        |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    plain(local) && plain(host)
}

/// A scheme, a colon, and what a URI may have (RFC 3986).
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let first = scheme
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic());
    let others = scheme
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let allowed = |c: char| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c);
    first && others && rest.chars().all(allowed)
}

/// Checks that no two elements are equal.
///
/// # Errors
/// If two are.
pub fn unique<T: PartialEq>(elements: &[T]) -> Result<(), Invalid> {
    let repeats = |(index, element)| elements.iter().take(index).any(|other| other == element);
    let repeated = elements.iter().enumerate().any(repeats);
    hold(!repeated, || "must not have an element twice".to_owned())
}

/// Checks an inclusive lower bound.
///
/// # Errors
/// If the value is less.
pub fn at_least<N: PartialOrd + Display>(value: N, bound: N) -> Result<(), Invalid> {
    hold(value >= bound, || format!("must be at least {bound}"))
}

/// Checks an exclusive lower bound.
///
/// # Errors
/// If the value is not greater.
pub fn above<N: PartialOrd + Display>(value: N, bound: N) -> Result<(), Invalid> {
    hold(value > bound, || format!("must be greater than {bound}"))
}

/// Checks an inclusive upper bound.
///
/// # Errors
/// If the value is greater.
pub fn at_most<N: PartialOrd + Display>(value: N, bound: N) -> Result<(), Invalid> {
    hold(value <= bound, || format!("must be at most {bound}"))
}

/// Checks an exclusive upper bound.
///
/// # Errors
/// If the value is not less.
pub fn below<N: PartialOrd + Display>(value: N, bound: N) -> Result<(), Invalid> {
    hold(value < bound, || format!("must be less than {bound}"))
}

/// Checks that a whole number is a multiple of another.
///
/// # Errors
/// If it is not.
pub fn multiple_of<N>(value: N, of: N) -> Result<(), Invalid>
where
    N: Copy + Default + PartialEq + Display + std::ops::Rem<Output = N>,
{
    let zero = N::default();
    hold(of != zero && value % of == zero, || {
        format!("must be a multiple of {of}")
    })
}

/// Checks that a number is a multiple of another, as exactly as floating point can say.
///
/// # Errors
/// If it is not.
pub fn multiple_of_float(value: f64, of: f64) -> Result<(), Invalid> {
    let quotient = value / of;
    let off = (quotient - quotient.round()).abs();
    hold(off <= 1e-9 * quotient.abs().max(1.0), || {
        format!("must be a multiple of {of}")
    })
}

/// Checks that a value is one of a JSON list; numbers are compared as numbers.
///
/// # Errors
/// If it is not, or cannot be written as JSON.
pub fn one_of<T: Serialize>(value: &T, choices: &str) -> Result<(), Invalid> {
    let choices_read: Vec<Value> = serde_json::from_str(choices).unwrap_or_default();
    let written = serde_json::to_value(value).map_err(|error| Invalid::new(error.to_string()))?;
    let same = |choice: &Value| match (choice.as_f64(), written.as_f64()) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
        _ => *choice == written,
    };
    hold(choices_read.iter().any(same), || {
        format!("must be one of {choices}")
    })
}

/// Reads a property that may be null but must be there.
///
/// # Errors
/// As the value's own.
pub fn nullable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// Reads a property that may be null and may be absent: `Some(None)` is null.
///
/// # Errors
/// As the value's own.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// The text of the property that says which variant a value is.
///
/// # Errors
/// If there is no such text.
pub fn tag<'v, E: serde::de::Error>(
    value: &'v Value,
    property: &'static str,
) -> Result<&'v str, E> {
    let tag = value.get(property).and_then(Value::as_str);
    tag.ok_or_else(|| E::missing_field(property))
}

/// The error for a tag that no variant has.
#[must_use]
pub fn unknown_tag<E: serde::de::Error>(tag: &str, known: &'static [&'static str]) -> E {
    E::unknown_variant(tag, known)
}

/// Reads a variant.
///
/// # Errors
/// As the variant's own.
pub fn variant<T: DeserializeOwned, E: serde::de::Error>(value: &Value) -> Result<T, E> {
    T::deserialize(value).map_err(E::custom)
}

/// Writes a variant with its tag.
///
/// # Errors
/// If it is no object, or as the serializer's own.
pub fn tagged<T: Serialize, S: Serializer>(
    value: &T,
    property: &str,
    tag: &str,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::Error as _;
    let mut written = serde_json::to_value(value).map_err(S::Error::custom)?;
    let Some(object) = written.as_object_mut() else {
        return Err(S::Error::custom("a variant with a tag must be an object"));
    };
    object.insert(property.to_owned(), Value::from(tag));
    written.serialize(serializer)
}

/// What is known of a variant without a tag.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The properties that it has.
    pub properties: &'static [&'static str],
    /// Those of them that must be there.
    pub required: &'static [&'static str],
}

/// Finds the variant that fits best: the one that knows most of the value's properties, then the one
/// that asks for most, then the first.
///
/// # Errors
/// If none can be read.
pub fn best<T, E: serde::de::Error>(
    value: &Value,
    known: &[Known],
    read: impl Fn(usize, &Value) -> Option<T>,
) -> Result<T, E> {
    let mut order: Vec<(usize, usize, usize)> = Vec::with_capacity(known.len());
    for (index, variant) in known.iter().enumerate() {
        let strange = value.as_object().map_or(0, |object| {
            let is_strange = |name: &&String| !variant.properties.contains(&name.as_str());
            object.keys().filter(is_strange).count()
        });
        let asked = variant.required.len();
        order.push((strange, usize::MAX - asked, index));
    }
    order.sort_unstable();
    let found = order
        .into_iter()
        .find_map(|(_, _, index)| read(index, value));
    found.ok_or_else(|| E::custom("must be one of the variants that the document describes"))
}

/// Reads a value in one step, for types that look at it twice.
///
/// # Errors
/// As the deserializer's own.
pub fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Value::deserialize(deserializer).map_err(D::Error::custom)
}
