//! An object with its traits.

use super::{Generation, Reader};
use crate::source::Cursor;

/// An operation or a message and its traits, the one that wins first.
///
/// In 3.x what the object itself says wins; in 2.x what its traits say, the last one first.
pub(crate) struct Layers<'a> {
    /// The object itself.
    pub(crate) own: Cursor<'a>,
    layers: Vec<Cursor<'a>>,
}

impl<'a> Layers<'a> {
    pub(crate) fn new(reader: &Reader<'a>, own: Cursor<'a>, generation: Generation) -> Self {
        let traits = reader.list(&own, "traits").into_iter();
        let followed = traits.filter_map(|item| reader.follow(item));
        let mut layers: Vec<Cursor<'a>> = followed
            .filter(|item| reader.is_object(item, "traits"))
            .collect();
        layers.reverse();
        match generation {
            Generation::Two => layers.push(own.clone()),
            Generation::Three => layers.insert(0, own.clone()),
        }
        Self { own, layers }
    }

    /// The layer that says `name`.
    fn with(&self, name: &str) -> Option<&Cursor<'a>> {
        self.layers.iter().find(|layer| layer.get(name).is_some())
    }

    pub(crate) fn text(&self, reader: &Reader<'a>, name: &str) -> Option<String> {
        self.with(name).and_then(|layer| reader.text(layer, name))
    }

    pub(crate) fn texts(&self, reader: &Reader<'a>, name: &str) -> Vec<String> {
        let layer = self.with(name);
        layer
            .map(|layer| reader.texts(layer, name))
            .unwrap_or_default()
    }

    pub(crate) fn list(&self, reader: &Reader<'a>, name: &str) -> Vec<Cursor<'a>> {
        let layer = self.with(name);
        layer
            .map(|layer| reader.list(layer, name))
            .unwrap_or_default()
    }

    pub(crate) fn field(&self, reader: &Reader<'a>, name: &str) -> Option<Cursor<'a>> {
        self.with(name).and_then(|layer| reader.field(layer, name))
    }

    /// The values under `name` of every layer, not followed: schemas that hold together.
    pub(crate) fn every(&self, name: &str) -> Vec<Cursor<'a>> {
        self.layers
            .iter()
            .filter_map(|layer| layer.get(name))
            .collect()
    }

    /// Objects under `name`, merged by name; the layer that wins gives its value.
    pub(crate) fn merged(&self, reader: &Reader<'a>, name: &str) -> serde_json::Value {
        let mut merged = serde_json::Map::new();
        for layer in &self.layers {
            if let serde_json::Value::Object(entries) = reader.raw(layer, name) {
                for (key, value) in entries {
                    merged.entry(key).or_insert(value);
                }
            }
        }
        if merged.is_empty() {
            return serde_json::Value::Null;
        }
        serde_json::Value::Object(merged)
    }
}
