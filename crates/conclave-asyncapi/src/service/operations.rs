//! Operations and what they carry.

use super::plan::Planning;
use super::{Carried, Channel, Correlation, Example, Operation, Side, Way};
use crate::model::{self, ChannelId, Direction, MessageId, Payload, SchemaId};
use crate::shape::{Type, field_name, free, type_name};

impl Planning<'_> {
    /// The operations of these channels, in the order of the document.
    pub(super) fn operations(&mut self, ids: &[ChannelId], channels: &[Channel]) -> Vec<Operation> {
        let document = self.document;
        let mut operations: Vec<Operation> = Vec::new();
        for operation in &document.operations {
            let Some(channel) = ids.iter().position(|id| *id == operation.channel) else {
                continue;
            };
            let way = match (operation.direction, self.options.side) {
                (Direction::Receive, Side::Described) | (Direction::Send, Side::Opposite) => {
                    Way::In
                }
                (Direction::Receive, Side::Opposite) | (Direction::Send, Side::Described) => {
                    Way::Out
                }
            };
            let planned = self.operation(operation, (channel, way), &operations);
            let answer = (way == Way::Out)
                .then(|| self.answer_of(&planned, &operations))
                .flatten();
            operations.push(planned);
            operations.extend(answer);
        }
        if operations.is_empty() {
            let at = channels
                .first()
                .and_then(|_| document.channels.first())
                .map(|channel| channel.at.clone());
            if let Some(at) = at {
                self.warning(&at, "no operation uses a channel of the WebSocket server");
            }
        }
        operations
    }

    fn operation(
        &mut self,
        operation: &model::Operation,
        (channel, way): (usize, Way),
        known: &[Operation],
    ) -> Operation {
        let base = type_name(&operation.name).unwrap_or_else(|| "Operation".to_owned());
        let suffix = match way {
            Way::In => "Request",
            Way::Out => "Message",
        };
        let payload = self.payload_of(&operation.messages, &format!("{base} {suffix}"));
        let reply = operation.reply.as_ref().map(|reply| {
            let others: Vec<MessageId> = reply
                .messages
                .iter()
                .copied()
                .filter(|id| !operation.messages.contains(id))
                .collect();
            let messages = if others.is_empty() {
                &reply.messages
            } else {
                &others
            };
            (self.reply_of(messages, &base), self.correlation(messages))
        });
        let name = free(&operation.name, |name| {
            known.iter().all(|other| other.name != name)
        });
        let function = free(&field_name(&operation.name), |name| {
            known.iter().all(|other| other.function != name)
        });
        Operation {
            constant: function.trim_end_matches('_').to_ascii_uppercase(),
            variant: free(&base, |name| {
                known.iter().all(|other| other.variant != name)
            }),
            function,
            name,
            channel,
            way,
            payload,
            correlation: self.correlation(&operation.messages),
            security: self.needs(&operation.security, &operation.at),
            permissions: operation.permissions.clone(),
            doc: described(operation),
            examples: self.examples(&operation.messages),
            reply_examples: operation
                .reply
                .as_ref()
                .map(|reply| self.examples(&reply.messages))
                .unwrap_or_default(),
            sample: None,
            reply_sample: None,
            reply_correlation: reply
                .as_ref()
                .map(|(_, correlation)| correlation.clone())
                .unwrap_or_default(),
            reply: reply.map(|(of, _)| of),
        }
    }

    /// What clients answer to an operation that goes out and has a reply.
    fn answer_of(&self, asked: &Operation, known: &[Operation]) -> Option<Operation> {
        let reply = asked.reply.clone()?;
        let function = format!("{}_reply", asked.function.trim_end_matches('_'));
        let function = free(&function, |name| {
            known.iter().all(|other| other.function != name)
        });
        Some(Operation {
            name: format!("{}Reply", asked.name),
            constant: function.to_ascii_uppercase(),
            variant: format!("{}Reply", asked.variant),
            function,
            way: Way::In,
            payload: reply,
            reply: None,
            correlation: asked.reply_correlation.clone(),
            reply_correlation: Correlation::Envelope,
            doc: Some(format!("What a client answers to `{}`.", asked.name)),
            examples: asked.reply_examples.clone(),
            reply_examples: Vec::new(),
            ..asked.clone()
        })
    }

    fn examples(&self, messages: &[MessageId]) -> Vec<Example> {
        let messages = messages.iter().filter_map(|id| self.document.message(*id));
        let examples = messages.flat_map(|message| &message.examples);
        let with_payload = examples.filter_map(|example| {
            Some(Example {
                payload: example.payload.clone()?,
                at: example.at.clone(),
            })
        });
        with_payload.collect()
    }

    fn reply_of(&mut self, messages: &[MessageId], base: &str) -> Type {
        if messages.is_empty() {
            return Type::Null;
        }
        self.payload_of(messages, &format!("{base} Reply"))
    }

    /// The type of one of these messages.
    fn payload_of(&mut self, messages: &[MessageId], hint: &str) -> Type {
        let document = self.document;
        let mut alternatives: Vec<(String, SchemaId)> = Vec::new();
        for message in messages.iter().filter_map(|id| document.message(*id)) {
            self.tell_other_content(message);
            match &message.payload {
                Payload::Json(id) => {
                    if alternatives.iter().all(|(_, known)| known != id) {
                        alternatives.push((message.name.clone(), *id));
                    }
                }
                Payload::Foreign { format, at } => {
                    self.error(at, format!("no types can be made from a schema in `{format}`, only from JSON Schema"));
                }
                Payload::None => return Type::Json,
            }
        }
        match alternatives.as_slice() {
            [] => Type::Json,
            [(name, id)] => self.shapes.type_of(*id, name),
            several => self.shapes.one_of(several, hint),
        }
    }

    fn tell_other_content(&mut self, message: &model::Message) {
        let written = message
            .content_type
            .as_ref()
            .or(self.document.default_content_type.as_ref());
        let Some(written) = written.cloned() else {
            return;
        };
        let kind = written
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let is_json =
            kind == "application/json" || kind.ends_with("+json") || kind.ends_with("/json");
        if !is_json {
            self.error(
                &message.at,
                format!("messages are JSON here; `{written}` is not supported"),
            );
        }
    }

    /// Where these messages say what they belong to, if they agree.
    fn correlation(&mut self, messages: &[MessageId]) -> Correlation {
        let document = self.document;
        let all: Vec<&model::Message> = messages
            .iter()
            .filter_map(|id| document.message(*id))
            .collect();
        let Some(first) = all.first() else {
            return Correlation::Envelope;
        };
        let Some(location) = &first.correlation_id else {
            return Correlation::Envelope;
        };
        if all
            .iter()
            .any(|message| message.correlation_id.as_ref() != Some(location))
        {
            self.warning(
                &first.at,
                "the operation's messages have different correlation ids; the first one's counts",
            );
        }
        match Carried::read(location) {
            Some(carried) => Correlation::Message(carried),
            None => {
                self.error(
                    &first.at,
                    format!("the correlation id is at `{location}`, expected `$message.header#/…` or `$message.payload#/…`"),
                );
                Correlation::Envelope
            }
        }
    }
}

fn described(operation: &model::Operation) -> Option<String> {
    match (&operation.summary, &operation.description) {
        (Some(summary), Some(description)) if summary != description => {
            Some(format!("{summary}\n\n{description}"))
        }
        (summary, description) => summary.clone().or_else(|| description.clone()),
    }
}
