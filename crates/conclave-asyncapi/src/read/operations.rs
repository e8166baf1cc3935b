//! Operations, replies and permissions.

use super::channels::Channels;
use super::layers::Layers;
use super::{Generation, Reader};
use crate::model::{ChannelId, Direction, MessageId, Operation, Reply};
use crate::source::Cursor;

/// The fields of an operation, by generation.
const FIELDS_2: &[&str] = &[
    "bindings",
    "description",
    "externalDocs",
    "message",
    "operationId",
    "security",
    "summary",
    "tags",
    "traits",
];
const FIELDS_3: &[&str] = &[
    "action",
    "bindings",
    "channel",
    "description",
    "externalDocs",
    "messages",
    "reply",
    "security",
    "summary",
    "tags",
    "title",
    "traits",
];

/// What both generations say of an operation, each in its way.
struct Exchange {
    name: String,
    direction: Direction,
    channel: ChannelId,
    messages: Vec<MessageId>,
    reply: Option<Reply>,
}

impl<'a> Reader<'a> {
    /// 2.x: `publish` is what the application takes in, `subscribe` what it gives out.
    pub(super) fn operations_of_channel(
        &self,
        name: &str,
        channel: &Cursor<'a>,
        id: ChannelId,
    ) -> Vec<Operation> {
        let ways = [
            ("publish", Direction::Receive),
            ("subscribe", Direction::Send),
        ];
        let read = |(key, direction): (&str, Direction)| {
            let cursor = self.object(channel, key)?;
            self.tell_unknown_fields(&cursor, "an operation", FIELDS_2);
            let layers = Layers::new(self, cursor, Generation::Two);
            let verb = match direction {
                Direction::Receive => "receive",
                Direction::Send => "send",
            };
            let fallback = format!("{verb} {name}");
            let operation_name = layers.text(self, "operationId").unwrap_or(fallback);
            let messages = match layers.own.get("message") {
                Some(message) => self.messages_of(message, &operation_name),
                None => {
                    self.warning(&layers.own, "the operation has no `message`");
                    Vec::new()
                }
            };
            let reply = self.reply_2(&layers, &operation_name);
            let exchange = Exchange {
                name: operation_name,
                direction,
                channel: id,
                messages,
                reply,
            };
            Some(self.operation(&layers, exchange, Generation::Two))
        };
        ways.into_iter().filter_map(read).collect()
    }

    fn operation(
        &self,
        layers: &Layers<'a>,
        exchange: Exchange,
        generation: Generation,
    ) -> Operation {
        let Exchange {
            name,
            direction,
            channel,
            messages,
            reply,
        } = exchange;
        Operation {
            name,
            direction,
            channel,
            messages,
            reply,
            security: self.security(layers.list(self, "security"), generation),
            permissions: self.permissions(layers),
            summary: layers.text(self, "summary"),
            description: layers.text(self, "description"),
            bindings: layers.merged(self, "bindings"),
            at: layers.own.location(),
        }
    }

    /// `x-permissions`: a permission or a list of them.
    fn permissions(&self, layers: &Layers<'a>) -> Vec<String> {
        let name = "x-permissions";
        match layers.field(self, name) {
            None => Vec::new(),
            Some(field) => match field.text() {
                Some(one) => vec![one.to_owned()],
                None => layers.texts(self, name),
            },
        }
    }

    /// 2.x has no replies; `x-response` and `x-reply` are the conventions, on the operation or on its
    /// message: a message, `oneOf` several, or an object with `message`.
    fn reply_2(&self, layers: &Layers<'a>, operation: &str) -> Option<Reply> {
        let message = self.object(&layers.own, "message");
        let holders = [Some(layers.own.clone()), message];
        let cursor = holders.into_iter().flatten().find_map(|holder| {
            let names = ["x-response", "x-reply"].into_iter();
            names.filter_map(|name| self.object(&holder, name)).next()
        })?;
        let message = cursor.get("message").unwrap_or_else(|| cursor.clone());
        Some(Reply {
            channel: None,
            address: None,
            messages: self.messages_of(message, &format!("{operation} reply")),
            at: cursor.location(),
        })
    }

    /// 3.x: operations stand by themselves and name their channel.
    pub(super) fn operations(
        &self,
        root: &Cursor<'a>,
        channels: &mut Channels<'_>,
    ) -> Vec<Operation> {
        let Some(map) = self.object(root, "operations") else {
            return Vec::new();
        };
        let mut operations = Vec::new();
        for (name, cursor) in map.entries() {
            let Some(cursor) = self
                .follow(cursor)
                .filter(|cursor| self.is_object(cursor, "operation"))
            else {
                continue;
            };
            self.tell_unknown_fields(&cursor, "an operation", FIELDS_3);
            operations.extend(self.operation_3(name, cursor, channels));
        }
        operations
    }

    fn operation_3(
        &self,
        name: &str,
        cursor: Cursor<'a>,
        channels: &mut Channels<'_>,
    ) -> Option<Operation> {
        let layers = Layers::new(self, cursor, Generation::Three);
        let Some(action) = layers.text(self, "action") else {
            self.error(
                &layers.own,
                "`action` is missing, expected `send` or `receive`",
            );
            return None;
        };
        let direction = match action.as_str() {
            "receive" => Direction::Receive,
            "send" => Direction::Send,
            _ => {
                let field = layers
                    .own
                    .get("action")
                    .unwrap_or_else(|| layers.own.clone());
                self.error(
                    &field,
                    format!("`action` is `{action}`, expected `send` or `receive`"),
                );
                return None;
            }
        };
        if layers.own.get("channel").is_none() {
            self.error(
                &layers.own,
                "`channel` is missing: a `$ref` to the operation's channel",
            );
        }
        let channel = self.channel_under(&layers.own, channels)?;
        let messages = self.messages_3(&layers.own, channel, channels);
        let reply = layers
            .field(self, "reply")
            .map(|reply| self.reply_3(&reply, channel, channels));
        let exchange = Exchange {
            name: name.to_owned(),
            direction,
            channel,
            messages,
            reply,
        };
        Some(self.operation(&layers, exchange, Generation::Three))
    }

    fn channel_under(&self, cursor: &Cursor<'a>, channels: &mut Channels<'_>) -> Option<ChannelId> {
        let channel = self.object(cursor, "channel")?;
        let name = channel.last_name();
        Some(self.channel(&name, &channel, Generation::Three, channels))
    }

    /// The messages that are named, or all of the channel.
    fn messages_3(
        &self,
        cursor: &Cursor<'a>,
        channel: ChannelId,
        channels: &Channels<'_>,
    ) -> Vec<MessageId> {
        if cursor.get("messages").is_none() {
            let channel = channels.all.get(channel.0);
            return channel
                .map(|channel| channel.messages.iter().map(|(_, id)| *id).collect())
                .unwrap_or_default();
        }
        let mut ids = Vec::new();
        for item in self.list(cursor, "messages") {
            let fallback = item.last_name();
            if let Some(id) = self
                .message(item, &fallback, Generation::Three)
                .filter(|id| !ids.contains(id))
            {
                ids.push(id);
            }
        }
        ids
    }

    fn reply_3(&self, cursor: &Cursor<'a>, own: ChannelId, channels: &mut Channels<'_>) -> Reply {
        let channel = self.channel_under(cursor, channels);
        let address = self.field(cursor, "address");
        let messages = if channel.is_none() && cursor.get("messages").is_none() {
            Vec::new()
        } else {
            self.messages_3(cursor, channel.unwrap_or(own), channels)
        };
        Reply {
            channel,
            address: address.and_then(|address| self.required_text(&address, "location")),
            messages,
            at: cursor.location(),
        }
    }
}
