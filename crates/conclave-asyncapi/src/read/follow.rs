//! References, and values of an expected kind.

use super::Reader;
use crate::diagnostic::Place;
use crate::source::{Cursor, Value, is_remote, join, percent_decoded, unescaped};

/// References that lead to references, at most.
const CHAIN_MAX: usize = 64;

impl<'a> Reader<'a> {
    /// What a value is once its `$ref`s are followed; nothing, and a diagnostic, if one leads nowhere.
    pub(crate) fn follow(&self, cursor: Cursor<'a>) -> Option<Cursor<'a>> {
        self.follow_within(cursor, CHAIN_MAX)
    }

    fn follow_within(&self, mut cursor: Cursor<'a>, mut hops: usize) -> Option<Cursor<'a>> {
        while let Some(reference) = cursor.get("$ref") {
            let Some(text) = reference.text() else {
                let kind = reference.node.kind();
                self.error(&reference, format!("`$ref` must be a text, not {kind}"));
                return None;
            };
            let Some(left) = hops.checked_sub(1) else {
                self.error(&reference, format!("`{text}` leads only to itself"));
                return None;
            };
            if !self.take_hop() {
                self.error(&reference, "the document follows too many references");
                return None;
            }
            hops = left;
            cursor = self.target(&reference, text, hops)?;
        }
        Some(cursor)
    }

    fn target(&self, reference: &Cursor<'a>, text: &str, hops: usize) -> Option<Cursor<'a>> {
        let (file, pointer) = text.split_once('#').unwrap_or((text, ""));
        if is_remote(file) {
            self.error(
                reference,
                format!("`{text}` is on the network, which is never asked: keep a copy beside the document"),
            );
            return None;
        }
        let root = self.root_of(reference, file)?;
        let Some(pointer) = percent_decoded(pointer) else {
            self.error(reference, format!("`{text}` is not a JSON pointer"));
            return None;
        };
        let mut at = root;
        for part in pointer.split('/').skip(1) {
            // A part of the way may itself be a reference.
            at = self.follow_within(at, hops)?;
            let Some(next) = at.get(&unescaped(part)) else {
                let (name, place) = (unescaped(part), at.pointer());
                self.error(
                    reference,
                    format!(
                        "`{text}` leads nowhere: there is no `{name}` at `{place}` of {}",
                        at.file()
                    ),
                );
                return None;
            };
            at = next;
        }
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.error(
                reference,
                format!("`{text}` must be a JSON pointer such as `#/components/schemas/Name`"),
            );
            return None;
        }
        Some(at)
    }

    fn root_of(&self, reference: &Cursor<'a>, file: &str) -> Option<Cursor<'a>> {
        if file.is_empty() {
            return self.sources.root(reference.file());
        }
        let Some(path) = join(reference.file(), file) else {
            self.error(
                reference,
                format!("`{file}` leads out of the document's folder"),
            );
            return None;
        };
        let root = self.sources.root(&path);
        if root.is_some() {
            return root;
        }
        let message = match self.sources.file(&path).map(|loaded| &loaded.root) {
            Some(Err(why)) if why.place == Place::START => why.message.clone(),
            Some(Err(why)) => {
                let Place { line, column } = why.place;
                format!("{path}:{line}:{column}: {}", why.message)
            }
            _ => format!("`{path}` is one file too many"),
        };
        self.error(reference, message);
        None
    }

    /// The value under a name, followed.
    pub(crate) fn field(&self, cursor: &Cursor<'a>, name: &str) -> Option<Cursor<'a>> {
        self.follow(cursor.get(name)?)
    }

    /// An object under a name, followed. Null counts as not there.
    pub(crate) fn object(&self, cursor: &Cursor<'a>, name: &str) -> Option<Cursor<'a>> {
        let field = self.field(cursor, name)?;
        self.is_object(&field, name).then_some(field)
    }

    /// Whether the value is an object; a diagnostic if it is something else.
    pub(crate) fn is_object(&self, cursor: &Cursor<'a>, what: &str) -> bool {
        match &cursor.node.value {
            Value::Map(_) => true,
            Value::Null => false,
            _ => {
                let kind = cursor.node.kind();
                self.error(cursor, format!("`{what}` must be an object, not {kind}"));
                false
            }
        }
    }

    /// A text under a name; numbers and booleans are taken as they are written.
    pub(crate) fn text(&self, cursor: &Cursor<'a>, name: &str) -> Option<String> {
        let field = cursor.get(name)?;
        match &field.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null => None,
            Value::List(_) | Value::Map(_) => {
                let kind = field.node.kind();
                self.error(&field, format!("`{name}` must be a text, not {kind}"));
                None
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, cursor: &Cursor<'a>, name: &str) -> Option<String> {
        if cursor.get(name).is_none() {
            self.error(cursor, format!("`{name}` is missing"));
        }
        self.text(cursor, name)
    }

    /// A list of texts under a name.
    pub(crate) fn texts(&self, cursor: &Cursor<'a>, name: &str) -> Vec<String> {
        let items = self.list(cursor, name);
        let text = |item: Cursor<'a>| match &item.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            _ => {
                let kind = item.node.kind();
                self.error(
                    &item,
                    format!("`{name}` must be a list of texts, not of {kind}"),
                );
                None
            }
        };
        items.into_iter().filter_map(text).collect()
    }

    /// The elements of a list under a name, not followed.
    pub(crate) fn list(&self, cursor: &Cursor<'a>, name: &str) -> Vec<Cursor<'a>> {
        let Some(field) = cursor.get(name) else {
            return Vec::new();
        };
        if !matches!(field.node.value, Value::List(_) | Value::Null) {
            let kind = field.node.kind();
            self.error(&field, format!("`{name}` must be a list, not {kind}"));
        }
        field.items()
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, cursor: &Cursor<'a>, name: &str) -> bool {
        let Some(field) = cursor.get(name) else {
            return false;
        };
        if let Value::Bool(value) = field.node.value {
            return value;
        }
        let kind = field.node.kind();
        self.error(
            &field,
            format!("`{name}` must be true or false, not {kind}"),
        );
        false
    }

    /// A value as it stands, the references in it unfollowed.
    pub(crate) fn raw(&self, cursor: &Cursor<'a>, name: &str) -> serde_json::Value {
        let field = self.field(cursor, name);
        field.map_or(serde_json::Value::Null, |field| field.node.to_json())
    }
}
