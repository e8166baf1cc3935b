//! Messages, their payloads and examples.

use super::layers::Layers;
use super::{Generation, Reader};
use crate::model::{Example, Message, MessageId, Payload, SchemaId};
use crate::source::Cursor;

/// Ways to say JSON Schema.
const JSON_SCHEMA_FORMATS: &[&str] = &[
    "application/schema+json",
    "application/schema+yaml",
    "application/vnd.aai.asyncapi",
];

/// The fields of a message.
const FIELDS: &[&str] = &[
    "bindings",
    "contentType",
    "correlationId",
    "deprecated",
    "description",
    "examples",
    "externalDocs",
    "headers",
    "messageId",
    "name",
    "payload",
    "schemaFormat",
    "summary",
    "tags",
    "title",
    "traits",
];

impl<'a> Reader<'a> {
    /// The message that a value is, its references followed; `fallback` is what it is called there.
    pub(super) fn message(
        &self,
        cursor: Cursor<'a>,
        fallback: &str,
        generation: Generation,
    ) -> Option<MessageId> {
        let cursor = self.follow(cursor)?;
        if !self.is_object(&cursor, "message") {
            return None;
        }
        let key = cursor.key();
        if let Some(known) = self.messages.borrow().known(&key) {
            return Some(known);
        }
        let message = self.read_message(&cursor, fallback, generation);
        Some(self.messages.borrow_mut().add(key, message, MessageId))
    }

    /// 2.x: one message, or several under `oneOf`.
    pub(super) fn messages_of(&self, cursor: Cursor<'a>, fallback: &str) -> Vec<MessageId> {
        let Some(followed) = self.follow(cursor) else {
            return Vec::new();
        };
        if followed.get("oneOf").is_none() {
            return self
                .message(followed, fallback, Generation::Two)
                .into_iter()
                .collect();
        }
        let items = self.list(&followed, "oneOf").into_iter();
        let mut ids = Vec::new();
        for (index, item) in items.enumerate() {
            let name = format!("{fallback} {}", index + 1);
            if let Some(id) = self
                .message(item, &name, Generation::Two)
                .filter(|id| !ids.contains(id))
            {
                ids.push(id);
            }
        }
        ids
    }

    fn read_message(&self, cursor: &Cursor<'a>, fallback: &str, generation: Generation) -> Message {
        self.tell_unknown_fields(cursor, "a message", FIELDS);
        let layers = Layers::new(self, cursor.clone(), generation);
        let correlation_id = layers.field(self, "correlationId");
        Message {
            name: self.message_name(&layers, fallback),
            title: layers.text(self, "title"),
            summary: layers.text(self, "summary"),
            description: layers.text(self, "description"),
            content_type: layers.text(self, "contentType"),
            payload: self.payload(&layers),
            headers: self.schema_of_all(self.header_schemas(&layers)),
            correlation_id: correlation_id.and_then(|field| self.required_text(&field, "location")),
            examples: self.examples(&layers),
            bindings: layers.merged(self, "bindings"),
            at: cursor.location(),
        }
    }

    fn message_name(&self, layers: &Layers<'a>, fallback: &str) -> String {
        let own = self
            .text(&layers.own, "name")
            .filter(|name| !name.trim().is_empty());
        let id = || self.text(&layers.own, "messageId");
        let key = || {
            let among_messages = layers.own.pointer().rsplit('/').nth(1) == Some("messages");
            let name = layers.own.last_name();
            (among_messages && name.parse::<usize>().is_err()).then_some(name)
        };
        own.or_else(key)
            .or_else(id)
            .unwrap_or_else(|| fallback.to_owned())
    }

    fn payload(&self, layers: &Layers<'a>) -> Payload {
        let format_2 = layers.text(self, "schemaFormat");
        let Some(written) = layers.every("payload").into_iter().next() else {
            return Payload::None;
        };
        if let Some(format) = format_2.filter(|format| !is_json_schema(format)) {
            return self.foreign(&written, format);
        }
        let Some(followed) = self.follow(written.clone()) else {
            return Payload::None;
        };
        match self.unwrapped(&followed) {
            Ok(schema) => self.schema(schema).map_or(Payload::None, Payload::Json),
            Err(format) => self.foreign(&written, format),
        }
    }

    /// The schema inside `{schemaFormat, schema}` of 3.x, or the name of a format that is not read.
    fn unwrapped(&self, followed: &Cursor<'a>) -> Result<Cursor<'a>, String> {
        let (Some(_), Some(schema)) = (followed.get("schemaFormat"), followed.get("schema")) else {
            return Ok(followed.clone());
        };
        match self.text(followed, "schemaFormat") {
            Some(format) if !is_json_schema(&format) => Err(format),
            _ => Ok(schema),
        }
    }

    /// Whether a followed schema of the components can be read as JSON Schema, and where it is.
    pub(super) fn json_schema(&self, followed: &Cursor<'a>) -> Option<SchemaId> {
        self.schema(self.unwrapped(followed).ok()?)
    }

    fn foreign(&self, written: &Cursor<'a>, format: String) -> Payload {
        self.warning(
            written,
            format!(
                "the schema is in `{format}`; only JSON Schema is read, so no types come from it"
            ),
        );
        Payload::Foreign {
            format,
            at: written.location(),
        }
    }

    fn header_schemas(&self, layers: &Layers<'a>) -> Vec<Cursor<'a>> {
        let headers = layers.every("headers").into_iter();
        let readable = headers.filter_map(|cursor| {
            let followed = self.follow(cursor)?;
            self.unwrapped(&followed).ok()
        });
        readable.collect()
    }

    fn examples(&self, layers: &Layers<'a>) -> Vec<Example> {
        let items = layers.list(self, "examples").into_iter();
        let read = |item: Cursor<'a>| {
            let item = self.follow(item)?;
            let (headers, payload) = (self.field(&item, "headers"), self.field(&item, "payload"));
            if headers.is_none() && payload.is_none() {
                self.warning(
                    &item,
                    "an example has `payload`, `headers` or both; this one is ignored",
                );
                return None;
            }
            Some(Example {
                name: self
                    .text(&item, "name")
                    .or_else(|| self.text(&item, "summary")),
                headers: headers.map(|field| field.node.to_json()),
                payload: payload.map(|field| field.node.to_json()),
                at: item.location(),
            })
        };
        items.filter_map(read).collect()
    }
}

fn is_json_schema(format: &str) -> bool {
    let kind = format.split(';').next().unwrap_or(format).trim();
    JSON_SCHEMA_FORMATS.iter().any(|known| {
        kind.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
    })
}
