//! How frames are written: one after the other member, in the order of conversation.md.

use conclave_protocol::{FrameKind, MessageId, Timestamp};
use serde::Serialize;

/// A frame under way, `{"type":"…"` without its end.
pub(crate) struct Written<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Written<'a> {
    /// Begins a frame. Types and names are this dialect's own words and need no escapes.
    pub(crate) fn new(out: &'a mut Vec<u8>, kind: &'static str) -> Self {
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.push(b'"');
        Self { out }
    }

    /// A string, number or truth value; `null` for `None`.
    pub(crate) fn member(mut self, name: &'static str, value: impl Serialize) -> Self {
        self.name(name);
        json(self.out, &value);
        self
    }

    /// As [`Written::member`], and nothing at all for `None`.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.member(name, value),
            None => self,
        }
    }

    /// A message's name.
    pub(crate) fn id(self, name: &'static str, id: MessageId) -> Self {
        self.member(name, id.to_string())
    }

    /// As [`Written::id`], and nothing at all for `None`.
    pub(crate) fn maybe_id(self, name: &'static str, id: Option<MessageId>) -> Self {
        self.maybe(name, id.map(|id| id.to_string()))
    }

    /// Unix seconds with three decimals, `1649123456.789`. Written as text: a float would drop
    /// the zeros at the end and, of far moments, more.
    pub(crate) fn seconds(mut self, name: &'static str, at: Timestamp) -> Self {
        self.name(name);
        let text = format!("{}.{:03}", at.seconds(), at.millis() % 1000);
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// As [`Written::seconds`], and nothing at all for `None`.
    pub(crate) fn maybe_seconds(self, name: &'static str, at: Option<Timestamp>) -> Self {
        match at {
            Some(at) => self.seconds(name, at),
            None => self,
        }
    }

    /// A value that is JSON text already.
    pub(crate) fn raw(mut self, name: &'static str, text: &str) -> Self {
        self.name(name);
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// An object inside.
    pub(crate) fn object(
        mut self,
        name: &'static str,
        fill: impl FnOnce(Written<'_>) -> Written<'_>,
    ) -> Self {
        self.name(name);
        self.braced(fill);
        self
    }

    /// An array of objects.
    pub(crate) fn objects<T>(
        mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        fill: impl Fn(Written<'_>, T) -> Written<'_>,
    ) -> Self {
        self.name(name);
        self.out.push(b'[');
        for (index, item) in items.into_iter().enumerate() {
            if index != 0 {
                self.out.push(b',');
            }
            self.braced(|object| fill(object, item));
        }
        self.out.push(b']');
        self
    }

    /// Ends the frame.
    pub(crate) fn end(self) -> FrameKind {
        self.out.push(b'}');
        FrameKind::Text
    }

    fn braced(&mut self, fill: impl FnOnce(Written<'_>) -> Written<'_>) {
        self.out.push(b'{');
        fill(Written { out: self.out });
        self.out.push(b'}');
    }

    fn name(&mut self, name: &'static str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

fn json<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    #[expect(
        clippy::expect_used,
        reason = "a Vec takes every write, and only strings, numbers, truth values and arrays of \
                  strings come here"
    )]
    serde_json::to_writer(out, value).expect("plain values serialise");
}
