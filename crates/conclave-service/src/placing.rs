//! Which channel a message is for.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::address::{Address, Parameters, Template};
use crate::envelope::{Envelope, text_of};
use crate::spec::{ChannelSpec, Location};
use crate::{AsyncApiError, AsyncApiResult};

/// The address that a message is for, and the parameters in it: as its envelope names it, else as
/// the connection is bound, else as the message itself says at the places that the document names.
pub(crate) fn place<'m>(
    spec: &'static ChannelSpec,
    channel: usize,
    bound: Option<&'m Address>,
    envelope: &'m Envelope<'_>,
) -> AsyncApiResult<(Cow<'m, str>, Parameters<'static>)> {
    let named = envelope.channel.as_deref();
    if let (Some(named), Some(bound)) = (named, bound)
        && named != bound.as_str()
    {
        let text = "the connection is for another channel";
        return Err(AsyncApiError::forbidden(text));
    }
    let given = named.or(bound.map(Address::as_str));
    if !spec.is_parameterised() {
        let address = given.unwrap_or(spec.address());
        if address != spec.address() {
            return Err(unfit("is no address of this channel"));
        }
        return Ok((Cow::Borrowed(address), Parameters::default()));
    }
    let said = said(spec, envelope);
    let Some(address) = given else {
        let whole = Template(spec.address())
            .names()
            .all(|name| said.iter().any(|(own, _)| *own == name));
        if !whole {
            return Err(unfit("must be there: the address has parameters"));
        }
        let values: Vec<_> = said
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let address = Address::render(channel, spec.address(), &values)?;
        let parameters = Template(spec.address()).parameters(address.as_str());
        let parameters = parameters.ok_or_else(|| unfit("is no address of this channel"))?;
        let parameters = parameters.into_owned();
        return Ok((Cow::Owned(address.as_str().to_owned()), parameters));
    };
    let parameters = Template(spec.address()).parameters(address);
    let parameters = parameters.ok_or_else(|| unfit("is no address of this channel"))?;
    let contradicts = |(name, value): &(&str, String)| parameters.get(name) != Some(value);
    if said.iter().any(contradicts) {
        return Err(unfit("says something else than the message itself"));
    }
    Ok((Cow::Borrowed(address), parameters.into_owned()))
}

/// What the message itself says of its channel's parameters.
fn said(spec: &ChannelSpec, envelope: &Envelope<'_>) -> Vec<(&'static str, String)> {
    let value = |location: Location| match location {
        Location::Header(pointer) => at(envelope.headers?, pointer),
        Location::Payload(pointer) => at(envelope.payload, pointer),
    };
    let locations = spec.locations.iter();
    locations
        .filter_map(|(name, location)| Some((*name, value(*location)?)))
        .collect()
}

/// A text or a number in a JSON value, as text; `None` where it is empty or over 255 bytes.
pub(crate) fn at(json: &RawValue, pointer: &str) -> Option<String> {
    let text = if pointer.is_empty() {
        text_of(json)?.into_owned()
    } else {
        let value: Value = serde_json::from_str(json.get()).ok()?;
        match value.pointer(pointer)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        }
    };
    (!text.is_empty() && text.len() <= 255).then_some(text)
}

fn unfit(message: &'static str) -> AsyncApiError {
    AsyncApiError::invalid_payload("the envelope's channel does not fit the operation")
        .with_detail("channel", message, "channel")
}
