//! Addresses of channels, and the parameters in them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::{AsyncApiError, AsyncApiResult};

/// The whole address of one channel, without open parameters: `chat/rooms/general/messages`.
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    channel: usize,
    text: Arc<str>,
}

impl Address {
    pub(crate) fn render(
        channel: usize,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> AsyncApiResult<Self> {
        let mut text = String::with_capacity(template.len() + 32);
        for part in parts(template) {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Parameter(name) => {
                    let given = parameters.iter().find(|(own, _)| *own == name);
                    let value = given.map_or("", |(_, value)| value);
                    if value.is_empty() || value.len() > PARAMETER_BYTES_MAX {
                        return Err(parameter_error(name, "must have 1 to 255 bytes"));
                    }
                    text.extend(utf8_percent_encode(value, ESCAPED));
                }
            }
        }
        Ok(Self::of(channel, text))
    }

    pub(crate) fn of(channel: usize, text: impl Into<Arc<str>>) -> Self {
        Self {
            channel,
            text: text.into(),
        }
    }

    /// The address as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The position of its channel.
    #[must_use]
    pub const fn channel(&self) -> usize {
        self.channel
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The parameters found in an address, in the order of the template; decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl Parameters<'_> {
    /// A parameter as text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| &**value)
    }

    /// A parameter as a type of its own.
    ///
    /// # Errors
    /// `invalid_payload` where it is missing or is no such thing.
    pub fn parse<T>(&self, name: &str) -> AsyncApiResult<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text = self
            .get(name)
            .ok_or_else(|| parameter_error(name, "is missing from the channel's address"))?;
        text.parse()
            .map_err(|fault: T::Err| parameter_error(name, &fault.to_string()))
    }

    pub(crate) fn into_owned(self) -> Parameters<'static> {
        let own =
            |(name, value): (&'static str, Cow<'_, str>)| (name, Cow::Owned(value.into_owned()));
        Parameters(self.0.into_iter().map(own).collect())
    }
}

/// What a channel's parameters are made into; generated for each channel that has some.
pub trait FromParameters: Sized {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `invalid_payload` where one is missing or is not what the document says.
    fn from_parameters(parameters: &Parameters<'_>) -> AsyncApiResult<Self>;
}

/// An address with open parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template(pub(crate) &'static str);

impl Template {
    /// The parameters of `address`, where it has the form of this template. A parameter takes
    /// what stands between its neighbours, never a `/`.
    pub(crate) fn parameters<'a>(&self, address: &'a str) -> Option<Parameters<'a>> {
        let (mut rest, mut found) = (address, Vec::new());
        let mut pieces = parts(self.0).peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Part::Literal(literal) => rest = rest.strip_prefix(literal)?,
                Part::Parameter(name) => {
                    let segment = rest.find('/').unwrap_or(rest.len());
                    let end = match pieces.peek() {
                        Some(Part::Literal(next)) => rest.find(next)?,
                        Some(Part::Parameter(_)) | None => segment,
                    };
                    if end == 0 || end > segment {
                        return None;
                    }
                    let (value, behind) = rest.split_at_checked(end)?;
                    found.push((name, decode(value)?));
                    rest = behind;
                }
            }
        }
        rest.is_empty().then_some(Parameters(found))
    }

    /// The names of its parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        parts(self.0).filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Parameter(name) => Some(name),
        })
    }

    /// Whether every parameter is named and stands apart from the next.
    pub(crate) fn is_sound(&self) -> bool {
        let mut after_parameter = false;
        parts(self.0).all(|part| match part {
            Part::Literal(literal) => {
                after_parameter = false;
                !literal.contains(['{', '}'])
            }
            Part::Parameter(name) => {
                let apart = !std::mem::replace(&mut after_parameter, true);
                apart && !name.is_empty() && !name.contains(['{', '/'])
            }
        })
    }
}

enum Part<'t> {
    Literal(&'t str),
    Parameter(&'t str),
}

fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, behind)) = rest.strip_prefix('{').and_then(|open| open.split_once('}')) {
            rest = behind;
            return Some(Part::Parameter(name));
        }
        let search = rest.get(1..).unwrap_or_default();
        let end = search.find('{').map_or(rest.len(), |place| place + 1);
        let (literal, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(Part::Literal(literal))
    })
}

/// A percent-encoded value of at most 255 bytes; `None` where it is not UTF-8 or holds controls.
fn decode(value: &str) -> Option<Cow<'_, str>> {
    let value = percent_decode_str(value).decode_utf8().ok()?;
    let is_fit = value.len() <= PARAMETER_BYTES_MAX && !value.chars().any(char::is_control);
    is_fit.then_some(value)
}

fn parameter_error(name: &str, message: &str) -> AsyncApiError {
    AsyncApiError::invalid_payload("the channel's address is not valid").with_detail(
        name,
        message,
        "channel_parameter",
    )
}

const PARAMETER_BYTES_MAX: usize = 255;
/// What a parameter's value must not hold as it is: what ends it, what begins another, and what a
/// URL does not take.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

#[cfg(test)]
mod tests;
