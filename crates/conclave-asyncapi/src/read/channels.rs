//! Channels and their parameters.

use std::collections::BTreeMap;

use super::{Generation, Reader};
use crate::model::{Channel, ChannelId, Operation, Parameter, Server};
use crate::source::{Cursor, Key, Value};

/// The fields of a channel, by generation.
const FIELDS_2: &[&str] = &[
    "bindings",
    "description",
    "parameters",
    "publish",
    "servers",
    "subscribe",
];
const FIELDS_3: &[&str] = &[
    "address",
    "bindings",
    "description",
    "externalDocs",
    "messages",
    "parameters",
    "servers",
    "summary",
    "tags",
    "title",
];

/// The channels that were read, by where they stand.
pub(super) struct Channels<'s> {
    pub(super) all: Vec<Channel>,
    by_key: BTreeMap<Key, ChannelId>,
    servers: &'s [Server],
}

impl<'a> Reader<'a> {
    pub(super) fn channels_and_operations(
        &self,
        root: &Cursor<'a>,
        servers: &[Server],
        generation: Generation,
    ) -> (Vec<Channel>, Vec<Operation>) {
        let mut channels = Channels {
            all: Vec::new(),
            by_key: BTreeMap::new(),
            servers,
        };
        let mut operations = Vec::new();
        let Some(map) = self.object(root, "channels") else {
            if generation == Generation::Two {
                self.error(root, "`channels` is missing");
            }
            return (channels.all, operations);
        };
        for (name, channel) in map.entries() {
            let Some(channel) = self
                .follow(channel)
                .filter(|channel| self.is_object(channel, "channel"))
            else {
                continue;
            };
            let id = self.channel(name, &channel, generation, &mut channels);
            if generation == Generation::Two {
                operations.extend(self.operations_of_channel(name, &channel, id));
            }
        }
        if generation == Generation::Three {
            operations = self.operations(root, &mut channels);
        }
        (channels.all, operations)
    }

    /// The channel that a followed value is, read if it was not met before.
    pub(super) fn channel(
        &self,
        name: &str,
        cursor: &Cursor<'a>,
        generation: Generation,
        channels: &mut Channels<'_>,
    ) -> ChannelId {
        if let (Some(known), Generation::Three) = (channels.by_key.get(&cursor.key()), generation) {
            return *known;
        }
        let known_fields = match generation {
            Generation::Two => FIELDS_2,
            Generation::Three => FIELDS_3,
        };
        self.tell_unknown_fields(cursor, "a channel", known_fields);
        let address = match generation {
            Generation::Two => Some(name.to_owned()),
            Generation::Three => self.text(cursor, "address"),
        };
        let channel = Channel {
            name: name.to_owned(),
            parameters: self.parameters(cursor, address.as_deref()),
            address,
            title: self.text(cursor, "title"),
            description: self
                .text(cursor, "description")
                .or_else(|| self.text(cursor, "summary")),
            servers: self.channel_servers(cursor, channels.servers, generation),
            messages: self.channel_messages(cursor, generation),
            bindings: self.raw(cursor, "bindings"),
            at: cursor.location(),
        };
        let id = ChannelId(channels.all.len());
        channels.all.push(channel);
        channels.by_key.insert(cursor.key(), id);
        id
    }

    fn channel_messages(
        &self,
        cursor: &Cursor<'a>,
        generation: Generation,
    ) -> Vec<(String, crate::model::MessageId)> {
        if generation == Generation::Two {
            return Vec::new();
        }
        let Some(messages) = self.object(cursor, "messages") else {
            return Vec::new();
        };
        let read = |(name, message): (&str, Cursor<'a>)| {
            let id = self.message(message, name, generation)?;
            Some((name.to_owned(), id))
        };
        messages.entries().into_iter().filter_map(read).collect()
    }

    fn channel_servers(
        &self,
        cursor: &Cursor<'a>,
        servers: &[Server],
        generation: Generation,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for item in self.list(cursor, "servers") {
            let index = match generation {
                Generation::Two => servers
                    .iter()
                    .position(|server| item.text() == Some(&server.name)),
                Generation::Three => {
                    let Some(target) = self.follow(item.clone()) else {
                        continue;
                    };
                    let at = target.location();
                    servers.iter().position(|server| server.at == at)
                }
            };
            match index {
                Some(index) => found.push(index),
                None => self.error(
                    &item,
                    "the channel names a server that the document does not have",
                ),
            }
        }
        found
    }

    /// The parameters of a channel: those of its address in their order.
    fn parameters(&self, cursor: &Cursor<'a>, address: Option<&str>) -> Vec<Parameter> {
        let map = self.object(cursor, "parameters");
        let Some(address) = address else {
            return Vec::new();
        };
        let mut parameters: Vec<Parameter> = Vec::new();
        for name in address_parameters(address) {
            let declared = map.as_ref().and_then(|map| self.field(map, name));
            if declared.is_none() {
                self.warning(
                    cursor,
                    format!("the address has `{{{name}}}`, but `parameters` does not describe it"),
                );
            }
            if parameters.iter().all(|known| known.name != name) {
                parameters.push(self.parameter(name, &declared.unwrap_or_else(|| cursor.clone())));
            }
        }
        for (name, parameter) in map.map(|map| map.entries()).unwrap_or_default() {
            if parameters.iter().all(|known| known.name != name) {
                self.warning(
                    &parameter,
                    format!("the address has no `{{{name}}}`; the parameter is ignored"),
                );
            }
        }
        parameters
    }

    fn parameter(&self, name: &str, cursor: &Cursor<'a>) -> Parameter {
        let is_channel = cursor.get("parameters").is_some() || cursor.get("address").is_some();
        if is_channel {
            return Parameter::undescribed(name, cursor);
        }
        let schema = cursor.get("schema");
        let of_schema = |key: &str| {
            let schema = self.follow(schema.clone()?)?;
            schema.get(key)
        };
        let choices = match of_schema("enum") {
            Some(field) => texts_of(&field),
            None => self.texts(cursor, "enum"),
        };
        Parameter {
            name: name.to_owned(),
            description: self.text(cursor, "description"),
            choices,
            default: of_schema("default")
                .and_then(|field| field.text().map(str::to_owned))
                .or_else(|| self.text(cursor, "default")),
            schema: schema.clone().and_then(|schema| self.schema(schema)),
            location: self.text(cursor, "location"),
            at: cursor.location(),
        }
    }
}

impl Parameter {
    fn undescribed(name: &str, channel: &Cursor<'_>) -> Self {
        Self {
            name: name.to_owned(),
            description: None,
            choices: Vec::new(),
            default: None,
            schema: None,
            location: None,
            at: channel.location(),
        }
    }
}

fn texts_of(cursor: &Cursor<'_>) -> Vec<String> {
    let items = cursor.items();
    let text = |item: &Cursor<'_>| match &item.node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(number) => Some(number.text.clone()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// The names between the braces of an address.
pub(crate) fn address_parameters(address: &str) -> Vec<&str> {
    let parts = address.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .collect()
}
