//! Channels and the parameters of their addresses.

use std::collections::BTreeSet;

use super::plan::Planning;
use super::{Carried, Channel, Parameter};
use crate::model::{self, ChannelId};
use crate::shape::{Form, Type, field_name, free, snake, type_name};

impl Planning<'_> {
    /// The channels on a WebSocket server, and which of the document's they are.
    pub(super) fn channels(&mut self, server: usize) -> (Vec<ChannelId>, Vec<Channel>) {
        let document = self.document;
        let is_socket = |index: &usize| {
            let named = self.options.server.is_none() || *index == server;
            named
                && document
                    .servers
                    .get(*index)
                    .is_some_and(model::Server::is_websocket)
        };
        let all = document.channels.iter().enumerate();
        let on_socket = all.filter(|(_, channel)| {
            channel.servers.is_empty() || channel.servers.iter().any(is_socket)
        });
        let chosen: Vec<(usize, &model::Channel)> = on_socket.collect();
        let mut ids = Vec::new();
        let mut channels: Vec<Channel> = Vec::new();
        for (index, channel) in chosen {
            ids.push(ChannelId(index));
            let planned = self.channel(channel, &channels);
            channels.push(planned);
        }
        (ids, channels)
    }

    fn channel(&mut self, channel: &model::Channel, known: &[Channel]) -> Channel {
        let address = channel.address.clone().unwrap_or_else(|| {
            self.warning(
                &channel.at,
                "the channel has no address; its name is used, since nobody could give it one at run time",
            );
            channel.name.clone()
        });
        let is_address = channel.address.as_deref() == Some(channel.name.as_str());
        let words = if is_address {
            without_parameters(&channel.name)
        } else {
            channel.name.clone()
        };
        let words = if snake(&words).is_empty() {
            channel.name.clone()
        } else {
            words
        };
        let wished = type_name(&words).unwrap_or_else(|| "Root".to_owned());
        let base = free(&wished, |name| known.iter().all(|other| other.base != name));
        let field = free(&field_name(&snake_or(&base)), |name| {
            known.iter().all(|other| other.field != name)
        });
        Channel {
            name: channel.name.clone(),
            address: address.trim_start_matches('/').to_owned(),
            doc: channel
                .description
                .clone()
                .or_else(|| channel.title.clone()),
            constant: field.trim_end_matches('_').to_ascii_uppercase(),
            service: self.shapes.take_name(&format!("{base}Service")),
            publisher: self.shapes.take_name(&format!("{base}Publisher")),
            parameters_name: self.shapes.take_name(&format!("{base}Parameters")),
            field,
            base,
            parameters: Vec::new(),
        }
    }

    /// Types the parameters of the channels.
    pub(super) fn parameters(&mut self, ids: &[ChannelId], channels: &mut [Channel]) {
        let document = self.document;
        for (id, channel) in ids.iter().zip(channels) {
            let Some(described) = document.channel(*id) else {
                continue;
            };
            let mut taken = BTreeSet::from([
                "message".to_owned(),
                "self_".to_owned(),
                "request".to_owned(),
            ]);
            for parameter in &described.parameters {
                let of = self.parameter_type(&channel.base, parameter);
                let field = free(&field_name(&parameter.name), |name| !taken.contains(name));
                taken.insert(field.clone());
                let carried = parameter.location.as_deref().and_then(Carried::read);
                if carried.is_none() && parameter.location.is_some() {
                    self.error(
                        &parameter.at,
                        "`location` must be `$message.header#/…` or `$message.payload#/…`",
                    );
                }
                channel.parameters.push(Parameter {
                    carried,
                    name: parameter.name.clone(),
                    field,
                    of,
                    doc: parameter.description.clone(),
                });
            }
        }
    }

    fn parameter_type(&mut self, base: &str, parameter: &model::Parameter) -> Type {
        let hint = format!("{base} {}", parameter.name);
        if !parameter.choices.is_empty() {
            return self
                .shapes
                .texts(parameter.choices.clone(), &hint, parameter.at.clone());
        }
        let of = parameter
            .schema
            .map_or(Type::Text, |schema| self.shapes.type_of(schema, &hint));
        match of {
            Type::Bool
            | Type::Integer(_)
            | Type::Float
            | Type::Uuid
            | Type::Date
            | Type::Timestamp => of,
            Type::Named(id) => match self.shapes.form(id) {
                Some(Form::Choice(_)) => of,
                Some(Form::Checked {
                    of: Type::Text | Type::Integer(_) | Type::Float,
                    ..
                }) => of,
                _ => self.odd_parameter(parameter),
            },
            Type::Text => of,
            _ => self.odd_parameter(parameter),
        }
    }

    fn odd_parameter(&mut self, parameter: &model::Parameter) -> Type {
        self.error(
            &parameter.at,
            "a parameter of an address must be a text, a number, a boolean, a UUID or a moment",
        );
        Type::Text
    }
}

fn snake_or(base: &str) -> String {
    let name = snake(base);
    if name.is_empty() {
        "root".to_owned()
    } else {
        name
    }
}

/// `chat/{roomId}/messages` as `chat messages`.
fn without_parameters(address: &str) -> String {
    let mut words = String::new();
    let mut inside = false;
    for character in address.chars() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            _ if !inside => words.push(character),
            _ => {}
        }
    }
    words
}
